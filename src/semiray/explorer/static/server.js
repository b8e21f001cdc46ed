// Talks to the server: one question of a kind at a time, and after it only the newest.

const PAGE = Math.random().toString(36).slice(2);

async function refuse(answer) {
  const said = await answer.text();
  try {
    return Object.assign(new Error(), JSON.parse(said));
  } catch {
    return Object.assign(new Error(), { error: said.trim() || `The server answered ${answer.status}.` });
  }
}

async function post(path, ask) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", body: JSON.stringify({ ...ask, page: PAGE }) });
  } catch {
    throw Object.assign(new Error(), { error: "The explorer doesn't answer: was it stopped?" });
  }
  if (!answer.ok) throw await refuse(answer);
  return answer;
}

// An answer, its pictures as addresses of PNG files.
export async function question(kind, ask) {
  const answer = await post(`ask/${kind}`, ask);
  return answer.status === 204 ? null : answer.json(); // null: something newer was asked
}

// A function that runs `work` now, or once more when it is done: never twice at a time, never more than one behind.
export function latest(work) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    try {
      while (again) {
        again = false;
        await work();
      }
    } finally {
      running = false;
    }
  };
}

export async function about() {
  const answer = await fetch("about");
  if (!answer.ok) throw await refuse(answer);
  return answer.json();
}

export async function download(view, ask) {
  const answer = await post(`download/${view}`, ask);
  const named = /filename\*=UTF-8''(.+)$/.exec(answer.headers.get("content-disposition") ?? "");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = named ? decodeURIComponent(named[1]) : "synthetic";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Sends an image; `told` hears what is known so far and how far the search is. Gives the last that was said.
export async function upload(file, label, told, signal) {
  const query = new URLSearchParams({ name: file.name, ...(label === null ? {} : { label }) });
  const answer = await fetch(`upload?${query}`, { method: "POST", body: file, signal });
  if (!answer.ok) throw await refuse(answer);
  const lines = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let last = {};
  for (;;) {
    const { value, done } = await lines.read();
    rest += value ?? "";
    const whole = rest.split("\n");
    rest = whole.pop();
    for (const line of whole) {
      last = JSON.parse(line);
      told(last);
    }
    if (done) break;
  }
  if (last.error) throw Object.assign(new Error(), last);
  if (!last.upload) throw Object.assign(new Error(), { error: "The search ended early." });
  return last;
}
