// The page: what is asked, and what the stage shows.

import { about, download, latest, question, upload } from "./server.js";
import { Factors, make, number } from "./controls.js";
import { Grid, Patient } from "./views.js";

const $ = (id) => document.getElementById(id);
const state = { label: null, where: "", seed: 0, count: 12, difference: false, redraw: false, view: "grid", index: 0, factor: "", upload: "" };
let run, factors, grid, patient, file, search, moved;
let trouble = ""; // what stays said until something else is asked

function ask(more = {}) {
  const { label, where, seed, count, difference, index, factor, upload: name } = state;
  return { label, where, seed, count, hold: factors.hold, difference, index, factor: state.view === "grid" ? "" : factor, upload: state.view === "grid" ? "" : name, ...more };
}

function note(text, alarm = false) {
  $("note").hidden = !text;
  $("note").textContent = text;
  $("note").classList.toggle("alarm", alarm);
}

// What a failed question says, where it belongs: at the event if it is about it.
function complain(error) {
  if (error.error === undefined) {
    console.error(error);
    note("Something went wrong in the page: reload it.", true);
  } else if (error.place || /^(event|the event)\b/.test(error.error)) sayEvent(error);
  else note(error.error, true);
}

function sayEvent(answer) {
  const said = $("where-said");
  const wrong = answer?.error !== undefined;
  $("where").setAttribute("aria-invalid", wrong);
  said.classList.toggle("alarm", wrong);
  markEvent(wrong && answer.place ? answer.place : null);
  if (wrong) said.textContent = answer.error;
  else if (answer) said.textContent = `Probability ${answer.probability < 0.001 ? answer.probability.toExponential(2) : number(answer.probability)} under the prior`;
  else said.textContent = "";
}

// Underlines a part of what was typed. Places count characters of the text with single spaces.
function markEvent(place) {
  const text = $("where").value;
  const marks = $("where-marks");
  marks.replaceChildren();
  if (!place) return;
  const at = []; // of each character of the text with single spaces, its place in the text
  for (let i = 0; i < text.length; i++) {
    const space = /\s/.test(text[i]);
    if (!space || (at.length && !/\s/.test(text[at.at(-1)]))) at.push(i);
  }
  const start = at[place[0]] ?? text.length;
  const end = Math.max(start + 1, (at[place[1] - 1] ?? text.length) + 1);
  marks.append(text.slice(0, start), make("mark", {}, text.slice(start, end).padEnd(1, " ")));
  marks.scrollLeft = $("where").scrollLeft;
}

const refresh = latest(async () => {
  const begun = moved ?? performance.now();
  moved = undefined;
  const view = state.view;
  if (view === "wait") return;
  try {
    const asked = ask();
    const answer = await question(view === "grid" ? "grid" : "patient", asked);
    if (answer === null || view !== state.view) return;
    if (view === "grid") await grid.show(answer, state.difference);
    else await patient.show(answer, asked.factor, { ...asked, upload: Boolean(asked.upload) });
    performance.measure("semiray-images", { start: begun, end: performance.now() });
    if ($("where").value === asked.where) sayEvent(answer.event);
    $("command").textContent = answer.lines.command;
    $("python").textContent = answer.lines.python;
    factors.point(view === "grid" ? null : answer.drawn);
    const held = Object.keys(asked.hold).length;
    if (answer.left) note(`${view === "grid" ? `${answer.left} of ${asked.count} patients have` : "This patient has"} left the event: what is held overrules it.`);
    else if (state.difference && !held && view === "grid") note("Nothing is held, so nothing differs: move a slider.");
    else note(trouble, Boolean(trouble));
    const class_ = state.label ?? (run.classes.length ? "all classes" : "");
    $("title").textContent = view === "grid" ? `${asked.count} synthetic images` : asked.upload ? "A real image, re-presented" : `Synthetic patient ${asked.index}`;
    $("live").textContent = `${$("title").textContent}${class_ && !asked.upload ? `, ${class_}` : ""}${held ? `, ${held} held` : ""}`;
    remember();
  } catch (error) {
    complain(error);
  }
});

function change(more = {}) {
  moved = performance.now();
  trouble = "";
  patient.clear(); // the nearest training image is that of what was shown
  Object.assign(state, more);
  $("release").disabled = !Object.keys(factors.hold).length;
  refresh();
}

// Takes what was typed once it can be read; until then images stay under the last event that could.
const checkEvent = latest(async () => {
  const where = $("where").value;
  try {
    const answer = await question("event", ask({ where, hold: {} }));
    if (answer === null) return;
    sayEvent(answer.event);
    if (where !== state.where) change({ where });
  } catch (error) {
    complain(error);
  }
});

function redraw() {
  state.seed = (Number(state.seed) + 1) % Number.MAX_SAFE_INTEGER;
  $("seed").value = state.seed;
}

function show(view, more = {}) {
  Object.assign(state, { view, ...more });
  $("grid").hidden = view !== "grid";
  $("patient").hidden = view === "grid";
  $("back").hidden = view === "grid";
  const given = Boolean(state.upload) && view !== "grid";
  document.body.dataset.view = view === "patient" && given ? "upload" : view;
  $("asked").inert = given; // class, event and seed are of generated patients
  $("legend-against").textContent = given ? "the reconstruction" : "the patient as drawn";
  factors.free = given ? "as estimated" : "as drawn";
  factors.show();
  for (const button of document.querySelectorAll(".downloads button")) {
    button.hidden = (view === "grid" && button.dataset.view === "patient") || (!run.has_dicom && button.dataset.form.startsWith("dicom"));
  }
  if (view !== "wait") change();
}

function leave() {
  if (state.view === "grid") return;
  search?.abort();
  const index = state.upload ? 0 : state.index;
  show("grid", { upload: "" });
  grid.tiles[index]?.button && grid.focus(index);
}

function look(difference) {
  for (const input of $("look").querySelectorAll("input")) input.checked = (input.value === "difference") === difference;
  $("legend").hidden = !difference;
  change({ difference });
}

async function present(given, label) {
  if (!given) return;
  file = given;
  search?.abort();
  search = new AbortController();
  const mine = search;
  show("wait", { upload: "…", factor: state.factor || run.factors[0].name });
  $("title").textContent = "A real image";
  note("");
  patient.wait(null, 0);
  try {
    let known = null;
    const last = await upload(file, label, (said) => {
      if (said.codes) known = said;
      if (mine === search) patient.wait(known, said.of ? said.done / said.of : 0);
    }, mine.signal);
    factors.release();
    show("patient", { upload: last.upload });
    $("stage").focus({ preventScroll: true });
  } catch (error) {
    if (mine !== search) return;
    patient.wait(null, null);
    show("grid", { upload: "" });
    if (error.error) trouble = error.error; // shown with the grid, when it has come
    else if (error.name !== "AbortError") complain(error);
  }
}

function remember() {
  const kept = { label: state.label, where: state.where, seed: state.seed, count: state.count, hold: factors.hold };
  history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(kept))}`);
}

function recall() {
  try {
    const kept = JSON.parse(decodeURIComponent(location.hash.slice(1)));
    if (run.classes.includes(kept.label)) state.label = kept.label;
    if (typeof kept.where === "string") state.where = kept.where;
    if (Number.isSafeInteger(kept.seed) && kept.seed >= 0) state.seed = kept.seed;
    if ([6, 12, 24, 48].includes(kept.count)) state.count = kept.count;
    for (const [name, value] of Object.entries(kept.hold ?? {})) {
      if (factors.sliders.has(name) && typeof value === "number") factors.hold[name] = value;
    }
  } catch {
    // another page's, or none
  }
}

function showClasses() {
  const place = $("classes").querySelector(".choice");
  if (!run.classes.length) {
    $("classes").hidden = true;
    return;
  }
  for (const name of [null, ...run.classes]) {
    place.append(make("label", {}, make("input", { type: "radio", name: "class", checked: name === state.label, onchange: () => change({ label: name }) }), make("span", {}, name ?? "all")));
  }
}

function showMeaning() {
  const grounded = run.factors.filter((one) => one.grounded);
  const assumed = run.factors.filter((one) => !one.grounded);
  const parts = [];
  if (grounded.length) parts.push(`Grounded: ${grounded.map((one) => `${one.name} on ${one.grounded.toLocaleString("en")} images${one.measure ? ` by ${one.measure}` : ""}`).join(", ")}. `);
  if (assumed.length) parts.push(`Assumed, grounded on no image: ${assumed.map((one) => one.name).join(", ")}. These names say which distribution was assumed, not what the images show. `);
  parts.push("Not for diagnosis.");
  $("meaning").textContent = parts.join("");
  $("meaning").title = run.meaning;
}

function showReport() {
  const { report } = run;
  if (!report) return;
  $("open-report").hidden = false;
  const sections = Map.groupBy ? Map.groupBy(report.figures, (one) => one.section) : report.figures.reduce((all, one) => all.set(one.section, [...(all.get(one.section) ?? []), one]), new Map());
  $("report-body").append(
    ...report.warnings.map((line) => make("p", { class: "note alarm" }, line)),
    ...report.verdict.map((line) => make("p", {}, line)),
    ...[...sections].map(([section, figures]) => make("section", {}, make("h3", {}, section),
      make("table", {}, make("tbody", {}, ...figures.map((one) => make("tr", { title: one.says }, make("th", { scope: "row" }, one.name), make("td", {}, one.figure), make("td", { class: "faint" }, one.beside))))))),
    make("p", { class: "faint" }, `Figures with 95 % intervals; beside them floor, ceiling or chance level. ${report.data} From ${report.file}.`));
  $("open-report").addEventListener("click", () => $("report").showModal());
}

function bind() {
  let typing;
  $("where").addEventListener("input", () => {
    markEvent(null);
    clearTimeout(typing);
    typing = setTimeout(checkEvent, 250);
  });
  $("where").addEventListener("scroll", () => ($("where-marks").scrollLeft = $("where").scrollLeft));
  $("seed").addEventListener("change", () => {
    const seed = Math.min(Math.max(0, Math.trunc(Number($("seed").value)) || 0), Number.MAX_SAFE_INTEGER);
    $("seed").value = seed;
    change({ seed });
  });
  $("count").addEventListener("change", () => change({ count: Number($("count").value) }));
  $("redraw").addEventListener("click", () => {
    redraw();
    change();
  });
  for (const input of $("noise").querySelectorAll("input")) input.addEventListener("change", () => (state.redraw = input.value === "redrawn"));
  $("release").addEventListener("click", () => {
    factors.release();
    change();
  });
  for (const input of $("look").querySelectorAll("input")) input.addEventListener("change", () => look(input.value === "difference"));
  $("back").addEventListener("click", leave);
  for (const button of document.querySelectorAll(".downloads button")) {
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await download(state.view === "grid" ? "grid" : "patient", ask({ form: button.dataset.form, difference: false }));
      } catch (error) {
        complain(error);
      } finally {
        button.disabled = false;
      }
    });
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const text = $(button.dataset.copy).textContent;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren($(button.dataset.copy)); // to be copied by hand
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
  }
  $("upload").addEventListener("change", () => {
    present($("upload").files[0], null);
    $("upload").value = "";
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
      event.preventDefault();
      $("drop").hidden = kind !== "dragover";
      if (kind === "drop") present(event.dataTransfer.files[0], null);
    });
  }
  $("open-help").addEventListener("click", () => $("help").showModal());
  for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
  for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = (scheme) => {
    document.documentElement.style.colorScheme = scheme;
    $("theme").textContent = scheme === "dark" ? "Light" : "Dark";
    $("theme").dataset.scheme = scheme;
  };
  theme(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => theme(dark.matches ? "dark" : "light"));
  $("theme").addEventListener("click", () => theme($("theme").dataset.scheme === "dark" ? "light" : "dark"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return leave();
    if (/^(text|number)$/.test(event.target.type ?? "") || event.target.tagName === "SELECT") return;
    if (event.key === "/") {
      event.preventDefault();
      $("where").focus();
    } else if (event.key === "r") $("redraw").click();
    else if (event.key === "d") look(!state.difference);
    else if (event.key === "?") $("help").showModal();
  });
}

async function begin() {
  run = await about();
  document.title = `${run.name} · semiray explorer`;
  $("run-name").textContent = run.name;
  const trained = run.trained_on === null ? "" : `, trained on data of ${run.trained_on.toLocaleString("en")} images`;
  $("facts").textContent = `${run.resolution} × ${run.resolution} px${trained}`;
  $("legend-low").textContent = `−${run.limit}`;
  $("legend-high").textContent = `+${run.limit}`;
  factors = new Factors($("factors"), run.factors, () => {
    if (state.redraw && !(state.upload && state.view === "patient")) redraw();
    change();
  });
  state.factor = (run.factors.find((one) => !one.dimensions[0].discrete) ?? run.factors[0]).name;
  grid = new Grid($("grid"), (index) => {
    show("patient", { index, upload: "" });
    $("back").focus();
  });
  patient = new Patient($("patient"), run, {
    along: (factor) => change({ factor }),
    moved: (factor, value) => {
      for (const one of run.factors.find(({ name }) => name === factor).dimensions) delete factors.hold[one.name];
      factors.hold[factor] = value;
      factors.show();
      change();
    },
    nearest: async () => {
      try {
        const answer = await question("nearest", ask({ difference: false }));
        if (answer) await patient.nearest(answer);
      } catch (error) {
        complain(error);
      }
    },
    classed: (label) => present(file, label),
    cancelled: leave,
  });
  recall();
  patient.choose(state.factor);
  $("where").value = state.where;
  $("seed").value = state.seed;
  $("count").value = state.count;
  factors.show();
  showClasses();
  showMeaning();
  showReport();
  bind();
  show("grid");
}

begin().catch(complain);
