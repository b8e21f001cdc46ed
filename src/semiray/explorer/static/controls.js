// The sliders: one a factor, on the scale of its quantiles; its companions unfold. A slider that holds nothing shows
// where the factor is "as drawn".

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const number = (value, digits = 4) => String(Number(value.toPrecision(digits))).replace("-", "−");

export function measured(value, unit, digits = 4) {
  return unit ? `${number(value, digits)} ${unit}` : number(value, digits);
}

// The quantile of a value, from 0 to 1, by the scale's nearest one.
export function quantile(scale, value) {
  let best = 0;
  scale.values.forEach((known, i) => {
    if (Math.abs(known - value) < Math.abs(scale.values[best] - value)) best = i;
  });
  return [best, scale.quantiles[best]];
}

class Slider {
  constructor(scale, title, unit, changed) {
    this.scale = scale;
    this.title = title;
    this.unit = unit;
    this.changed = changed;
    this.value = null;
    this.output = make("output", { class: "value" });
    this.element = scale.discrete && scale.values.length <= 4 ? this.choice() : this.range();
    this.show(null);
  }

  range() {
    const { values } = this.scale;
    this.input = make("input", {
      type: "range", min: 0, max: values.length - 1, step: 1, "aria-label": this.title,
      oninput: () => this.changed(values[Number(this.input.value)]),
      onkeydown: (event) => {
        if (event.key === "Delete" || event.key === "Backspace") this.changed(null);
      },
    });
    this.mark = make("span", { class: "drawn-mark", hidden: true, title: "as drawn" });
    const end = values.length - 1;
    const ticks = this.scale.discrete ? [0, end] : [0.05, 0.25, 0.5, 0.75, 0.95].map((u) => this.nearest(u));
    const labels = ticks.map((place) => {
      const tick = make("span", {}, number(values[place], 2));
      tick.style.setProperty("--at", place / Math.max(1, end));
      return tick;
    });
    return make("div", { class: "slide" }, this.input, this.mark, make("div", { class: "ticks", "aria-hidden": "true" }, ...labels));
  }

  choice() {
    const name = `value-${this.title}`;
    const option = (value, said) =>
      make("label", {}, make("input", { type: "radio", name, value: value ?? "", onchange: () => this.changed(value) }), make("span", {}, said));
    return make("fieldset", {}, make("legend", { class: "unseen" }, this.title), make("div", { class: "choice small" },
      option(null, "as drawn"), ...this.scale.values.map((value) => option(value, number(value)))));
  }

  nearest(u) {
    let best = 0;
    this.scale.quantiles.forEach((known, i) => {
      if (Math.abs(known - u) < Math.abs(this.scale.quantiles[best] - u)) best = i;
    });
    return best;
  }

  show(value, followed = null, free = "as drawn") {
    this.value = value;
    const shown = value ?? followed;
    this.element.classList.toggle("held", value !== null);
    const said = shown === null ? free : measured(shown, this.unit);
    this.output.textContent = value === null && followed !== null ? `follows: ${said}` : said;
    if (this.input) {
      const [place, u] = shown === null ? [this.nearest(0.5), 0.5] : quantile(this.scale, shown);
      this.input.value = place;
      const percent = `${Math.round(100 * u)} %`;
      this.input.setAttribute("aria-valuetext", shown === null ? free : `${said}, quantile ${percent}`);
      this.output.title = shown === null ? "" : `quantile ${percent}`;
    } else {
      this.element.querySelector("span").textContent = free;
      const chosen = this.element.querySelector(`input[value="${value ?? ""}"]`);
      if (chosen) chosen.checked = true;
    }
  }

  // Marks where this patient's own code lies.
  point(code) {
    if (!this.mark) return;
    this.mark.hidden = code === null;
    if (code !== null) {
      const [place] = quantile(this.scale, code);
      this.mark.style.setProperty("--at", place / Math.max(1, this.scale.values.length - 1));
    }
  }
}

export class Factors {
  // `changed` is called after any move; what is held is in `hold`.
  constructor(place, factors, changed) {
    this.factors = factors;
    this.hold = {};
    this.free = "as drawn"; // what is not held
    this.sliders = new Map();
    for (const factor of factors) place.append(this.block(factor, changed));
  }

  block(factor, changed) {
    const set = (name) => (value) => {
      if (value === null) delete this.hold[name];
      else this.hold[name] = value;
      this.show();
      changed();
    };
    const [lead, ...companions] = factor.dimensions;
    const slider = new Slider(lead, factor.name, factor.unit, set(factor.name));
    this.sliders.set(factor.name, [slider, factor]);
    const standing = factor.grounded
      ? [`grounded, ${factor.grounded.toLocaleString("en")}`, `grounded on ${factor.grounded.toLocaleString("en")} images` + (factor.measure ? ` by ${factor.measure}, a measure of their pixels` : "")]
      : ["assumed", "Grounded on no image: the name says which distribution was assumed, not what the images show."];
    const release = make("button", {
      class: "plain release", "aria-label": `Release ${factor.name}: as drawn`, title: "as drawn again", hidden: true,
      onclick: () => {
        for (const { name } of factor.dimensions) delete this.hold[name];
        set(factor.name)(null);
      },
    }, "×");
    slider.release = release;
    const block = make("div", { class: "factor", "data-factor": factor.name },
      make("div", { class: "name" },
        make("h3", {}, factor.name),
        make("span", { class: `standing ${factor.grounded ? "grounded" : "assumed"}`, title: standing[1] }, standing[0]),
        slider.output, release),
      slider.element);
    if (companions.length) {
      const inner = make("div", { class: "companions" });
      companions.forEach((scale, i) => {
        const one = new Slider(scale, scale.name, factor.unit, set(scale.name));
        this.sliders.set(scale.name, [one, factor]);
        inner.append(make("div", { class: "companion" }, make("div", { class: "name" }, make("h4", {}, `[${i + 1}]`), one.output), one.element));
      });
      block.append(make("details", {}, make("summary", {}, `${companions.length} ${companions.length > 1 ? "companions" : "companion"}`), inner));
    }
    return block;
  }

  show() {
    for (const [name, [slider, factor]] of this.sliders) {
      const own = this.hold[name] ?? null;
      slider.show(own, name === factor.name ? null : this.follows(name, factor), this.free);
      if (slider.release) slider.release.hidden = !factor.dimensions.some((one) => one.name in this.hold) && own === null;
    }
  }

  // The value of a companion that moves with its lead: that of the same quantile.
  follows(name, factor) {
    if (!(factor.name in this.hold)) return null;
    const lead = factor.dimensions[0];
    const own = factor.dimensions.find((one) => one.name === name);
    const [place] = quantile(lead, this.hold[factor.name]);
    return own.values[Math.min(place, own.values.length - 1)];
  }

  // Codes of the patient that is shown, or null.
  point(codes) {
    for (const [name, [slider, factor]] of this.sliders) {
      const i = factor.dimensions.findIndex((one) => one.name === name);
      slider.point(codes === null ? null : codes[factor.first + Math.max(0, i)]);
    }
  }

  release() {
    this.hold = {};
    this.show();
  }
}
