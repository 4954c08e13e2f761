"use strict";
// Every text of the picture says in data-from and data-until in which steps it is seen; the plan says what is lit.
const plan = JSON.parse(document.getElementById("plan").textContent);
const last = plan.frames.length - 1;
const [first, back, slider, next, end] = ["first", "back", "slider", "next", "end"].map((id) => document.getElementById(id));
const picture = document.getElementById("picture");
const boxes = [...document.querySelectorAll("#graph .box")];
const timed = [...document.querySelectorAll("#graph [data-from]")];
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let now = 0;

function show(step) {
  now = Math.min(last, Math.max(0, step));
  const frame = plan.frames[now];
  for (const element of timed) {
    const until = element.dataset.until === undefined ? last : Number(element.dataset.until);
    element.classList.toggle("unseen", now < Number(element.dataset.from) || now > until);
  }
  for (const element of document.querySelectorAll("#graph .lit")) element.classList.remove("lit");
  for (const id of frame.lit) document.getElementById(id).classList.add("lit");
  picture.className = frame.phase;
  for (const card of document.querySelectorAll(".card")) card.hidden = Number(card.dataset.frame) !== now;
  document.getElementById("panel").scrollTop = 0;
  for (const box of boxes) {
    const texts = [...box.querySelectorAll("text:not(.unseen)")];
    box.setAttribute("aria-label", texts.map((text) => text.textContent).join(", "));
  }
  slider.value = now;
  const said = `Step ${now} of ${last}. ${frame.said}`;
  slider.setAttribute("aria-valuetext", said);
  document.getElementById("said").textContent = said;
  first.disabled = back.disabled = now === 0;
  next.disabled = end.disabled = now === last;
  if (frame.lit.length < boxes.length) bringIntoView(frame.lit);
}

// Scroll the picture, not the page, so that what is lit is seen, the receiving end first.
function bringIntoView(lit) {
  const places = lit.filter((id) => document.getElementById(id).matches(".box"))
    .map((id) => document.getElementById(id).getBoundingClientRect());
  if (!places.length) return;
  const outer = picture.getBoundingClientRect();
  const shift = (from, to) => {
    const low = Math.min(...places.map((place) => place[from])), high = Math.max(...places.map((place) => place[to]));
    if (low >= outer[from] && high <= outer[to]) return 0;
    const end = places.at(-1);
    const fits = high - low <= outer[to] - outer[from];
    return ((fits ? low + high : end[from] + end[to]) - outer[from] - outer[to]) / 2;
  };
  picture.scrollBy({ left: shift("left", "right"), top: shift("top", "bottom"), behavior: calm.matches ? "auto" : "smooth" });
}

function choose(chosen) {
  for (const box of boxes) {
    box.classList.toggle("chosen", box === chosen);
    box.setAttribute("aria-pressed", box === chosen);
  }
  document.getElementById("choose").hidden = chosen !== undefined;
  for (const about of document.querySelectorAll(".about")) about.hidden = about.dataset.about !== chosen?.id;
  if (!chosen) return;
  const about = document.getElementById("about");
  document.getElementById("said").textContent = about.querySelector(".about:not([hidden])").textContent;
  about.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
}

const keys = {
  ArrowRight: () => show(now + 1), ArrowLeft: () => show(now - 1), Home: () => show(0), End: () => show(last),
  " ": (event) => show(now + (event.shiftKey ? -1 : 1)),
};
document.addEventListener("keydown", (event) => {
  const box = event.target.closest(".box");
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (box && (event.key === "Enter" || event.key === " ")) choose(box);
  else if (event.key === " " && event.target.closest("button")) return;
  else if (event.target === slider && event.key !== " ") return;
  else if (event.key in keys) keys[event.key](event);
  else return;
  event.preventDefault();
});
for (const box of boxes) box.addEventListener("click", () => choose(box));
first.addEventListener("click", () => show(0));
back.addEventListener("click", () => show(now - 1));
next.addEventListener("click", () => show(now + 1));
end.addEventListener("click", () => show(last));
slider.addEventListener("input", () => show(Number(slider.value)));

// As large as there is room for; but what would be too small to be read is scrolled instead.
const graph = document.getElementById("graph");
function fit() {
  const [wide, high] = ["width", "height"].map((side) => Number(graph.getAttribute(side)));
  const room = Math.min((picture.clientWidth - 2) / wide, (innerHeight * 0.75) / high);
  graph.style.width = `${wide * Math.min(1.4, Math.max(room, Math.min(1, (picture.clientWidth - 2) / wide), 0.85))}px`;
}
addEventListener("resize", fit);
fit();
choose(undefined);
show(0);
