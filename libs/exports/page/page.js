"use strict";
// Everything that others wrote is put in as text, never as HTML.

const SHOWN = 100; // notes at a time
const MOST_FAULTS = 20;

const byId = (id) => document.getElementById(id);
const parts = [...document.querySelectorAll("script[data-kind]")];
const study = JSON.parse(parts[0].textContent);
const interviews = parts.slice(1);
let latest = { element: null, value: null };

// parse(element): an interview; the latest one is kept, as the next request is often for it.
function parse(element) {
  if (latest.element !== element) latest = { element, value: JSON.parse(element.textContent) };
  return latest.value;
}

function make(tag, text, name) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  return element;
}

function formatTime(ms) {
  if (ms === null) return "";
  const seconds = Math.floor(ms / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

// --- notes ---------------------------------------------------------------------------------------

const names = {
  themes: new Map(study.themes.map((one) => [one.id, one.name])),
  questions: new Map(study.questions.map((one) => [one.id, one.name])),
};

function matches(note, filter) {
  if (filter.theme && !note.themes.includes(filter.theme)) return false;
  if (filter.question && !note.questions.includes(filter.question)) return false;
  if (filter.standing && note.standing !== filter.standing) return false;
  if (!filter.words) return true;
  const texts = [note.statement, note.reading, ...note.decided, ...note.quotes.flatMap((q) => [q.words, q.speaker])];
  return texts.some((text) => text && text.toLowerCase().includes(filter.words));
}

function render(note, element, title) {
  const item = make("li");
  item.id = `note-${note.id}`;
  if (note.statement !== null) item.append(make("p", note.statement, "finding"));
  if (note.statement !== null && note.standing === "unproven") {
    item.append(make("p", study.unproven, "small"));
  }
  for (const quote of note.quotes) {
    const button = make("button", `“${quote.words}”`, "quote");
    button.type = "button";
    button.addEventListener("click", () => open(element, quote));
    const where = [quote.speaker, formatTime(quote.ms), title].filter(Boolean).join(", ");
    item.append(button, make("p", `— ${where}${quote.masked ? ", masked" : ""}`, "small"));
  }
  if (note.reading !== null) item.append(make("p", `${note.reading_label}: ${note.reading}`, "small"));
  for (const line of note.decided) item.append(make("p", line, "small"));
  const filed = [
    ...note.themes.map((id) => names.themes.get(id) ?? id),
    ...note.questions.map((id) => names.questions.get(id) ?? id),
  ];
  item.append(make("p", `${note.standing} · ${filed.join(" · ")}`, "small"));
  return item;
}

// An interview at a time, so that the page answers while it searches.
async function* find(filter) {
  for (const element of interviews) {
    if (filter.interview && interviews[filter.interview - 1] !== element) continue;
    const interview = parse(element);
    for (const note of interview.notes) {
      if (matches(note, filter)) yield [note, element, interview.title];
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
}

let search = 0;
async function list() {
  const own = ++search;
  const filter = Object.fromEntries(
    ["theme", "question", "interview", "standing"].map((id) => [id, byId(id).value]),
  );
  filter.words = byId("words").value.trim().toLowerCase();
  byId("list").replaceChildren();
  const found = find(filter);
  let shown = 0;
  const showMore = async () => {
    byId("more").hidden = true;
    for (let at = 0; at < SHOWN; at += 1) {
      const next = await found.next();
      if (own !== search) return;
      if (next.done) {
        byId("count").textContent = shown === 1 ? "1 note" : `${shown} notes`;
        return;
      }
      byId("list").append(render(...next.value));
      shown += 1;
    }
    byId("count").textContent = `the first ${shown} notes`;
    byId("more").hidden = false;
  };
  byId("more").onclick = showMore;
  await showMore();
}

// --- a transcript --------------------------------------------------------------------------------

function open(element, quote) {
  const interview = parse(element);
  const place = byId("transcript");
  place.replaceChildren(make("h2", interview.title));
  let target = null;
  for (const segment of interview.segments) {
    const paragraph = make("p", undefined, "segment");
    const time = formatTime(segment.start_ms);
    paragraph.append(make("span", time ? `${segment.speaker} ${time}` : segment.speaker, "speaker"));
    if (segment.number === quote.segment) {
      const signs = [...segment.text]; // places count code points
      const [first, last] = quote.first === null ? [0, signs.length] : [quote.first, quote.last];
      target = make("mark", signs.slice(first, last).join(""));
      paragraph.append(signs.slice(0, first).join(""), target, signs.slice(last).join(""));
    } else {
      paragraph.append(segment.text);
    }
    place.append(paragraph);
  }
  place.focus({ preventScroll: true });
  (target ?? place).scrollIntoView({ block: "center" });
}

// --- verification --------------------------------------------------------------------------------

async function hash(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function verify() {
  const verdict = byId("verdict");
  const faults = [];
  let quotes = 0;
  let unplaced = 0;
  const hashes = [];
  verdict.className = "";
  byId("faults").replaceChildren();
  if (!globalThis.crypto?.subtle) {
    verdict.textContent = "open the file from disk or over https: this browser cannot hash here";
    return;
  }
  for (const [at, element] of parts.entries()) {
    const text = element.textContent;
    const computed = await hash(text);
    hashes.push(computed);
    let title = "the study";
    try {
      if (at) {
        const interview = JSON.parse(text);
        title = interview.title;
        const texts = new Map(interview.segments.map((one) => [one.number, [...one.text]]));
        for (const quote of interview.notes.flatMap((note) => note.quotes)) {
          quotes += 1;
          if (quote.first === null && quote.masked) {
            unplaced += 1;
          } else if (
            (texts.get(quote.segment) ?? []).slice(quote.first, quote.last).join("") !== quote.words
          ) {
            faults.push(`${title}: “${quote.words}” is not what segment ${quote.segment} says`);
          }
        }
      }
    } catch {
      faults.push(`${title}: it can no longer be read`);
    }
    if (computed !== element.dataset.sha256) faults.push(`${title}: it was changed after the export`);
    if (at % 20 === 0) verdict.textContent = `${at} of ${interviews.length} interviews…`;
  }
  if ((await hash(hashes.join(""))) !== document.querySelector("footer").dataset.digest) {
    faults.push("the export as a whole: parts were changed, added or left out");
  }
  verdict.className = faults.length ? "wrong" : "right";
  const masked = unplaced ? `, ${unplaced} masked ones stand in their segments without a place` : "";
  verdict.textContent = faults.length
    ? `Not as exported: ${faults.length} ${faults.length === 1 ? "fault" : "faults"}`
    : `As exported: ${quotes} quotes are word for word in ${interviews.length} interviews${masked}`;
  byId("faults").replaceChildren(...faults.slice(0, MOST_FAULTS).map((one) => make("li", one)));
}

// --- start ---------------------------------------------------------------------------------------

function addOptions(id, pairs) {
  byId(id).append(
    ...pairs.map(([value, text]) => {
      const option = make("option", text);
      option.value = value;
      return option;
    }),
  );
}

byId("about").textContent = `${interviews.length} interviews, exported ${study.exported_at}`;
addOptions("theme", study.themes.map((one) => [one.id, one.name]));
addOptions("question", study.questions.map((one) => [one.id, one.name]));
addOptions("interview", interviews.map((one, at) => [at + 1, one.dataset.title]));
addOptions("standing", Object.keys(study.standings).map((one) => [one, one]));
for (const [name, meaning] of Object.entries(study.standings)) {
  byId("standings").append(make("dt", name), make("dd", meaning));
}
byId("filters").addEventListener("input", list);
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("verify").addEventListener("click", verify);
list();
