// Sends what the form of an operation says, from this page and with this browser's own session.
"use strict";

const SHOWN = ["ETag", "Location", "Retry-After", "Idempotent-Replayed", "X-Request-Id"];

function request(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = { Accept: "application/json" };
  for (const field of form.querySelectorAll("[data-place]")) {
    if (field.dataset.place === "path") {
      path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    } else if (field.value && field.dataset.place === "query") {
      query.append(field.name, field.value);
    } else if (field.value) {
      headers[field.name] = field.value;
    }
  }
  const body = form.elements.body?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const search = query.size ? `?${query}` : "";
  return [path + search, { method: form.dataset.method, headers, body }];
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

async function send(form) {
  const box = form.querySelector(".answer");
  const button = form.querySelector("button");
  button.disabled = true;
  const began = performance.now();
  try {
    const response = await fetch(...request(form));
    const text = await response.text();
    const took = Math.round(performance.now() - began);
    box.classList.toggle("refused", !response.ok);
    box.replaceChildren(element("strong", `${response.status} ${response.statusText} in ${took} ms`));
    for (const name of SHOWN) {
      const value = response.headers.get(name);
      if (value) box.append(element("div", `${name}: ${value}`));
    }
    const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
    if (text) box.append(element("pre", isJson ? JSON.stringify(JSON.parse(text), null, 2) : text));
    box.querySelector("pre")?.setAttribute("tabindex", "0");
  } catch (error) {
    box.classList.add("refused");
    box.replaceChildren(element("strong", `No answer: ${error.message}`));
  }
  button.disabled = false;
  box.hidden = false;
  box.focus();
}

for (const form of document.querySelectorAll(".try")) {
  form.querySelector("button").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.matches("details")) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();
