// Two requests in the same instant, which no form can send.
"use strict";

const PARTS = ["visit", "sections", "timeline"];

async function add(sku) {
  const response = await fetch("/api/v1/cart/lines", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ sku, quantity: 1 }),
  });
  const body = await response.json();
  return response.ok ? `${body.quantity} items` : body.detail;
}

async function refresh() {
  const text = await (await fetch("/locker", { headers: { Accept: "text/html" } })).text();
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const part of [...PARTS, "badge"]) {
    document.getElementById(part).replaceWith(page.getElementById(part));
  }
}

function show(title, lines) {
  const outcome = document.getElementById("outcome");
  const heading = document.createElement("h2");
  heading.textContent = title;
  const list = document.createElement("ul");
  list.append(
    ...lines.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }),
  );
  outcome.replaceChildren(heading, list);
  outcome.hidden = false;
}

const button = document.getElementById("two-adds");
if (button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    await fetch("/cart/identity", { cache: "no-store" });
    const answers = await Promise.all([add(button.dataset.sku), add(button.dataset.sku)]);
    await refresh();
    show("Two adds at once", [
      `One was answered with ${answers[0]}, the other with ${answers[1]}.`,
      "Both are in the cart: each is one atomic statement on a row, and the cookie is only a copy. See how they overlapped below.",
    ]);
    button.disabled = false;
  });
}
