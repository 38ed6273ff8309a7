// Keeps the page as the rooms are, and changes them over the API.
const every = 2000, points = 150;
const history = new Map();
const said = document.querySelector("#said");
const link = document.querySelector("#link");

document.documentElement.classList.add("on");

const count = n => n.toLocaleString("en-US");
const rate = r => r === 0 ? "unlimited" : `${Number(r.toPrecision(4))}/s`;
const capacity = n => n === 0 ? "unlimited" : count(n);

function wait(lanes) {
  const known = lanes.map(l => l.wait_seconds).filter(w => w !== undefined);
  if (known.length === 0) return "not known";
  const s = Math.floor(Math.max(...known));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  const m = Math.round(s / 60);
  return `${Math.floor(m / 60)} h ${m % 60} min`;
}

let saying;
function say(text) {
  clearTimeout(saying);
  said.textContent = text;
  saying = setTimeout(() => { said.textContent = ""; }, 8000);
}

function show(section, room) {
  const field = name => section.querySelector(`[data-f=${name}]`);
  const texts = {
    state: room.state, waiting: count(room.waiting), wait: wait(room.lanes), sessions: count(room.sessions),
    capacity: capacity(room.capacity), entered: `${Number(room.entered_per_second.toPrecision(4))}/s`, rate: rate(room.rate),
    begun: count(room.sessions_begun), abandoned: count(room.abandoned), message: room.message,
  };
  for (const [name, text] of Object.entries(texts)) {
    if (field(name).textContent !== text) field(name).textContent = text;
  }
  field("state").dataset.state = room.state;
  field("away").hidden = !room.store_away;
  field("message").hidden = room.message === "";
  for (const b of section.querySelectorAll("[data-set=state]")) b.setAttribute("aria-pressed", b.dataset.to === room.state);
  for (const b of section.querySelectorAll("[data-clear]")) b.hidden = !(b.dataset.clear in room.overrides);
  section.querySelector("[data-in=rate]").placeholder = rate(room.configured.rate);
  section.querySelector("[data-in=capacity]").placeholder = room.configured.capacity;
}

function draw(section, room) {
  const past = history.get(room.name) ?? [];
  past.push(room.waiting);
  if (past.length > points) past.shift();
  history.set(room.name, past);
  const top = Math.max(1, ...past);
  const line = past.map((n, i) => `${300 - (past.length - 1 - i) * 300 / (points - 1)},${46 - 44 * n / top}`);
  section.querySelector("polyline").setAttribute("points", line.join(" "));
  section.querySelector("[data-f=peak]").textContent = count(Math.max(...past));
}

async function refresh() {
  try {
    const answer = await fetch("/admin/api/rooms");
    if (!answer.ok) throw new Error(answer.statusText);
    const { rooms } = await answer.json();
    const sections = [...document.querySelectorAll("[data-room]")];
    if (rooms.map(r => r.name).join() !== sections.map(s => s.dataset.room).join()) return location.reload();
    rooms.forEach((room, i) => { show(sections[i], room); draw(sections[i], room); });
    document.querySelector("#at").textContent = new Date().toISOString().slice(11, 19) + " UTC";
    link.classList.remove("lost");
  } catch {
    link.classList.add("lost");
    document.querySelector("#at").textContent = "no answer";
  }
  setTimeout(refresh, every);
}

async function change(section, patch) {
  try {
    const answer = await fetch(`/admin/api/rooms/${section.dataset.room}`, {
      method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(patch),
    });
    const body = await answer.json();
    if (!answer.ok) return say(body.detail ?? body.title);
    show(section, body);
    say(`${section.dataset.room}: in force`);
  } catch {
    say("no answer: it is not known whether the change was made");
  }
}

function valueOf(button, section) {
  if (button.dataset.to) return button.dataset.to;
  const input = section.querySelector(`[data-in=${button.dataset.set}]`);
  const text = input.value.trim();
  if (text === "") { input.focus(); return undefined; }
  input.value = "";
  if (button.dataset.set === "capacity") return /^\d+$/.test(text) ? Number(text) : text;
  if (button.dataset.set === "rate" && /^[\d.]+$/.test(text)) return `${text}/s`;
  return text;
}

document.addEventListener("click", event => {
  const button = event.target.closest("button");
  const section = button?.closest("[data-room]");
  if (!section) return;
  if (button.dataset.clear) change(section, { [button.dataset.clear]: null });
  else {
    const to = valueOf(button, section);
    if (to !== undefined) change(section, { [button.dataset.set]: to });
  }
});

document.addEventListener("keydown", event => {
  if (event.key === "Enter" && event.target.dataset?.in) event.target.closest(".row").querySelector("[data-set]").click();
});

refresh();
