"use strict";
const at = (id) => document.getElementById(id);
const say = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };

function cell(kind, text) {
  const made = document.createElement(kind);
  made.textContent = text;
  if (kind === "th") made.scope = "row";
  return made;
}

function show(news) {
  document.body.dataset.state = news.state;
  say("state", news.live ? `${news.what} (live)` : news.what);
  say("shown", news.shown);
  say("problem", news.problem);
  at("progress").hidden = !["holding", "scanning"].includes(news.state);
  at("progress").value = news.progress;
  at("conditions").replaceChildren(...news.conditions.map((text) => cell("li", text)));
  at("result").hidden = !news.picture;
  if (!news.picture) { at("radiograph").removeAttribute("src"); return; }
  say("caption", news.picture.live ? "This frame" : "This scan");
  at("radiograph").src = `/radiograph.png?${news.picture.key}`;
  at("angles").replaceChildren(...news.picture.angles.map((row) => {
    const line = document.createElement("tr");
    line.append(cell("th", row.label), cell("td", row.value), cell("td", row.interval));
    return line;
  }));
}

const source = new EventSource("/events");
source.onmessage = (event) => show(JSON.parse(event.data));
source.onerror = () => {
  document.body.dataset.state = "away";
  say("shown", "One moment, please.");
  at("result").hidden = true;
  at("progress").hidden = true;
};
