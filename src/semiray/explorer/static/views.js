// What the stage shows: a grid of patients, or one patient large with its neighbours along a factor.

import { make, measured, number } from "./controls.js";

// Puts a picture into an image when it is decoded, so that nothing flickers.
export async function put(image, address) {
  const next = new Image();
  next.src = address;
  await next.decode();
  image.src = address;
}

const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

export function figure(kind, said, attributes = {}) {
  const image = make("img", { alt: said, draggable: "false", ...attributes });
  return [image, make("div", { class: `picture ${kind}`, "data-mark": kind }, image)];
}

export class Grid {
  constructor(place, chosen) {
    this.place = place;
    this.tiles = [];
    place.addEventListener("keydown", (event) => this.move(event));
    this.chosen = chosen;
    new ResizeObserver(() => this.fit()).observe(place.parentElement);
  }

  // As few columns, so as large images, as the stage can show without scrolling.
  fit() {
    const stage = this.place.parentElement;
    const wide = this.place.clientWidth;
    const high = stage.clientHeight - this.place.offsetTop + stage.offsetTop - 60;
    const count = this.tiles.length;
    if (!wide || !count) return;
    if (innerWidth <= 760) {
      this.place.style.setProperty("--columns", 4);
      return;
    }
    const rows = (columns) => Math.ceil(count / columns) * (wide / columns + 22);
    const fitting = [];
    for (let columns = 2; columns <= Math.min(count, wide / 72); columns++) if (rows(columns) <= high) fitting.push(columns);
    const even = fitting.find((columns) => count % columns === 0); // rows end together
    this.place.style.setProperty("--columns", even ?? fitting[0] ?? Math.max(2, Math.min(count, Math.floor(wide / 84))));
  }

  async show({ pictures, labels }, difference) {
    while (this.tiles.length > pictures.length) this.tiles.pop().button.remove();
    while (this.tiles.length < pictures.length) {
      const index = this.tiles.length;
      const [image, picture] = figure("synthetic", "");
      const caption = make("span", { class: "caption" });
      const button = make("button", { class: "tile", tabindex: index ? "-1" : "0", onclick: () => this.chosen(index) }, picture, caption);
      this.place.append(button);
      this.tiles.push({ button, image, caption });
    }
    await Promise.all(this.tiles.map(({ button, image, caption }, i) => {
      const name = `${labels[i] ? `${labels[i]}, ` : ""}patient ${i}`;
      caption.textContent = labels[i] ? `${i} · ${labels[i]}` : `${i}`;
      button.setAttribute("aria-label", `Synthetic image, ${name}${difference ? ", difference" : ""}`);
      return put(image, pictures[i]);
    }));
    this.fit();
    await painted();
  }

  move(event) {
    const at = this.tiles.findIndex((tile) => tile.button === document.activeElement);
    if (at < 0) return;
    const columns = this.columns();
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? this.tiles.length - 1 : at + step;
    if (!this.tiles[to]) return;
    event.preventDefault();
    this.tiles[at].button.tabIndex = -1;
    this.focus(to);
  }

  focus(index) {
    for (const tile of this.tiles) tile.button.tabIndex = -1;
    this.tiles[index].button.tabIndex = 0;
    this.tiles[index].button.focus();
  }

  columns() {
    const top = this.tiles[0].button.offsetTop;
    const second = this.tiles.findIndex((tile) => tile.button.offsetTop > top);
    return second < 0 ? this.tiles.length : second;
  }
}

export class Patient {
  // `along` is called with a factor, `moved` with a value of it, `nearest` when it shall be looked for.
  constructor(place, run, { along, moved, nearest, classed, cancelled }) {
    this.run = run;
    this.moved = moved;
    [this.current, this.currentPicture] = figure("synthetic", "The patient under the sliders, synthetic");
    [this.drawn, this.drawnPicture] = figure("synthetic", "The patient as drawn, synthetic");
    [this.original, this.originalPicture] = figure("real", "The uploaded image, real");
    [this.error, this.errorPicture] = figure("synthetic", "Reconstruction minus original, in colours");
    this.drawnName = make("span", { class: "caption" }, "as drawn");
    this.likeness = make("span", { class: "caption" });
    this.beside = make("div", { class: "beside" },
      this.given = make("div", { class: "one", hidden: true }, this.originalPicture, make("span", { class: "caption" }, "original")),
      make("div", { class: "one" }, this.drawnPicture, this.drawnName),
      this.lost = make("div", { class: "one", hidden: true }, this.errorPicture, this.likeness));
    this.facts = make("div", { class: "facts" });
    this.found = make("div", { class: "found", "aria-live": "polite" });
    this.ask = run.has_data
      ? make("button", { onclick: nearest }, "Nearest training image")
      : make("p", { class: "faint" }, "Start with DATA to compare with training images.");
    this.progress = make("progress", { max: 1, value: 0, "aria-label": "Search for the reconstruction" });
    this.waiting = make("div", { class: "waiting", role: "status", hidden: true },
      make("span", {}, "Searching what the generator makes this image from"), this.progress, make("button", { onclick: cancelled }, "Stop"));
    this.class = run.classes.length
      ? make("select", { "aria-label": "Class of the uploaded image", onchange: () => classed(this.class.value || null) },
          make("option", { value: "" }, "class: as estimated"), ...run.classes.map((name) => make("option", { value: name }, `class: ${name}`)))
      : null;
    if (this.class) this.class.hidden = true;
    this.tabs = make("fieldset", {}, make("legend", { class: "unseen" }, "Factor along which neighbours lie"), make("div", { class: "choice small" },
      ...run.factors.map((factor) => make("label", {}, make("input", { type: "radio", name: "along", value: factor.name, onchange: () => along(factor.name) }), make("span", {}, factor.name)))));
    this.row = make("div", { class: "row" });
    this.standing = make("p", { class: "faint" });
    place.append(this.waiting,
      this.large = make("div", { class: "large" },
        make("div", { class: "one main" }, this.currentPicture, this.currentName = make("span", { class: "caption" }, "under the sliders")),
        make("div", { class: "side" }, this.beside, this.facts, make("div", { class: "tools" }, this.class, this.ask), this.found)),
      this.neighbours = make("div", { class: "neighbours" }, make("div", { class: "heading" }, make("h3", {}, "Neighbours along"), this.tabs), this.row, this.standing));
    this.steps = [];
  }

  choose(factor) {
    for (const input of this.tabs.querySelectorAll("input")) input.checked = input.value === factor;
  }

  // While an image is sorted and searched for: what is known so far.
  wait(estimates, share) {
    this.waiting.hidden = share === null;
    if (share !== null) this.progress.value = share;
    if (estimates) this.tell(estimates, null);
  }

  async show(answer, factor, { upload, index, seed, difference }) {
    this.wait(null, null);
    const about = this.run.factors.find((one) => one.name === factor);
    const [drawn, current, ...rest] = answer.pictures;
    const row = rest.slice(0, answer.values.length);
    this.given.hidden = this.lost.hidden = !upload;
    if (this.class) this.class.hidden = !upload;
    this.drawnName.textContent = upload ? "reconstruction" : "as drawn";
    this.tell(upload ? answer.estimates : null, { ...answer, index, seed });
    while (this.steps.length > row.length) this.steps.pop().button.remove();
    while (this.steps.length < row.length) {
      const [image, picture] = figure("synthetic", "");
      const caption = make("span", { class: "caption" });
      const step = { image, caption };
      step.button = make("button", { class: "tile", onclick: () => this.moved(this.factor, step.value) }, picture, caption);
      this.row.append(step.button);
      this.steps.push(step);
    }
    this.factor = factor;
    const work = [put(this.drawn, drawn), put(this.current, current)];
    if (upload) work.push(put(this.original, rest.at(-2)), put(this.error, rest.at(-1)));
    if (upload) this.likeness.textContent = `difference; SSIM ${answer.estimates.ssim}, mean error ${number(answer.estimates.error)} of 255`;
    answer.values.forEach((value, i) => {
      const step = this.steps[i];
      step.value = value;
      step.caption.textContent = measured(value, about.unit, 3);
      const said = `Synthetic image, ${factor} ${measured(value, about.unit)}${difference ? ", difference" : ""}: hold it there`;
      step.button.setAttribute("aria-label", said);
      work.push(put(step.image, row[i]));
    });
    this.standing.textContent = about.grounded
      ? `${factor} is grounded on ${about.grounded.toLocaleString("en")} images${about.measure ? ` by ${about.measure}, a measure of their pixels` : ""}.`
      : `${factor} is assumed: grounded on no image. What moves is how the generator understands it, not what the word means.`;
    await Promise.all(work);
    await painted();
  }

  tell(estimates, answer) {
    const rows = [];
    if (estimates) {
      rows.push(["Image", `${estimates.name}, real; it stays in this machine's memory`]);
      if (estimates.label) {
        const chances = (estimates.probabilities ?? []).map((p, i) => `${this.run.classes[i]} ${p.toFixed(2)}`).join(", ");
        rows.push(["Class", `${estimates.label}, ${estimates.given ? "as given" : "as the sorter estimates"}${chances ? ` (${chances}; not calibrated)` : ""}`]);
      }
    } else if (answer) {
      rows.push(["Patient", `${answer.index} of seed ${answer.seed}: generated`]);
      if (answer.label) rows.push(["Class", answer.label]);
    }
    const codes = estimates ? estimates.codes : answer?.drawn;
    if (codes) {
      for (const factor of this.run.factors) {
        const [lead, ...others] = codes.slice(factor.first, factor.first + factor.dimensions.length);
        const held = answer && answer.codes[factor.first] !== lead ? `, held at ${measured(answer.codes[factor.first], factor.unit)}` : "";
        rows.push([factor.name, `${measured(lead, factor.unit)} ${estimates ? "estimated" : "drawn"}${held}`, others.length ? `companions ${others.map((code) => number(code)).join(", ")}` : ""]);
      }
    }
    const list = make("dl", {});
    for (const [name, said, more] of rows) list.append(make("dt", {}, name), make("dd", more ? { title: more } : {}, said));
    this.facts.replaceChildren(list);
  }

  clear() {
    this.found.replaceChildren();
  }

  async nearest(answer) {
    const [image, picture] = figure("real", `The nearest training image, real: ${answer.key}`);
    const [own, mine] = figure("synthetic", "The synthetic image that it was looked for");
    const said = answer.ratio === null ? "No distance between patients could be measured."
      : `Distance ${answer.ratio.toFixed(2)} of that from this training image to its nearest other patient; below 0.60 is a copy.`;
    await Promise.all([put(image, answer.pictures[0]), put(own, answer.pictures[1])]);
    this.found.replaceChildren(
      make("div", { class: "pair" }, make("div", { class: "one" }, mine, make("span", { class: "caption" }, "synthetic")), make("div", { class: "one" }, picture, make("span", { class: "caption" }, answer.label || "training image"))),
      make("p", {}, make("strong", { class: answer.copied ? "alarm" : "" }, answer.copied ? "A copy. " : "Not a copy. "), said, make("br"),
        make("span", { class: "faint" }, `${answer.key}, nearest of ${answer.of.toLocaleString("en")} training images`)));
  }
}
