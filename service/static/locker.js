// Two requests in the same instant, which no form can send.
"use strict";

// The service may be below a path.
const ROOT = document.documentElement.dataset.root;
const PARTS = ["visit", "sections", "claims-g", "claims-session", "timeline", "badge"];

async function add(sku) {
  const response = await fetch(`${ROOT}api/v1/cart/lines`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ sku, quantity: 1 }),
  });
  const body = await response.json();
  return response.ok ? `${body.quantity} items` : body.detail;
}

async function refresh() {
  const text = await (await fetch(`${ROOT}locker`, { headers: { Accept: "text/html" } })).text();
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const part of PARTS) {
    document.getElementById(part).replaceWith(page.getElementById(part));
  }
}

function show(box, title, lines) {
  const heading = document.createElement("h4");
  heading.textContent = title;
  const told = lines.map((line) => {
    const paragraph = document.createElement("p");
    paragraph.textContent = line;
    return paragraph;
  });
  box.replaceChildren(heading, ...told);
  box.hidden = false;
  box.focus();
}

const button = document.getElementById("two-adds");
if (button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    await fetch(`${ROOT}cart/identity`, { cache: "no-store" });
    const answers = await Promise.all([add(button.dataset.sku), add(button.dataset.sku)]);
    await refresh();
    show(document.getElementById("two-adds-outcome"), "Both are in the cart", [
      `One was answered with ${answers[0]}, the other with ${answers[1]}.`,
      "Each is one atomic statement on a row, and the cookie is only a copy. See how they overlapped in the last rows below.",
    ]);
    button.disabled = false;
  });
}

// The outcome of a form is where the address points to; the browser scrolls, this gives it the focus.
document.getElementById("outcome")?.focus();
