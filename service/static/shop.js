// The shop works without this. With it, htmx sends the forms of the cart in place.
"use strict";

// A page from the back button's memory may be older than a logout or a change of the cart.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    location.reload();
  }
});

// A page out of a cache brings no cookie. So before its first add it asks for the identity of the
// cart to come, one tab after the other: else two first adds at once would each make a cart.
let identified;

function identify(url) {
  const ask = () => fetch(url, { cache: "no-store" });
  return navigator.locks ? navigator.locks.request("identity", ask) : ask();
}

document.addEventListener("htmx:confirm", (event) => {
  const url = document.body.dataset.identity;
  if (url && event.detail.path.endsWith("/cart/lines")) {
    event.preventDefault();
    identified ??= identify(url).catch(() => undefined);
    identified.then(() => event.detail.issueRequest(true));
  }
});

function say(text) {
  const message = document.createElement("p");
  message.className = "message problem";
  message.tabIndex = -1;
  message.textContent = text;
  document.getElementById("messages").replaceChildren(message);
  message.focus();
}

// Suggestions that don't come are no matter; the search works without.
const isSuggestion = (event) => event.detail.elt.id === "q";

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    document.getElementById("suggestions").replaceChildren();
  }
});

document.addEventListener("htmx:responseError", (event) => {
  if (isSuggestion(event)) {
    return;
  }
  const wait = event.detail.xhr.getResponseHeader("Retry-After");
  say(wait ? `Please try again in ${wait} seconds.` : "That did not work. Please reload the page.");
});
document.addEventListener("htmx:sendError", (event) => {
  if (!isSuggestion(event)) {
    say("No connection. Please try again.");
  }
});

// While an answer is awaited its button says so, and a second click sends nothing.
function buttonOf(form, submitter) {
  return submitter || form.querySelector("button:not(.nojs)");
}
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.matches("form")) {
    buttonOf(event.detail.elt)?.setAttribute("aria-busy", "true");
  }
});
document.addEventListener("htmx:afterRequest", (event) => {
  for (const button of event.detail.requestConfig.elt.querySelectorAll("[aria-busy]")) {
    button.removeAttribute("aria-busy");
  }
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") {
    return;
  }
  const button = buttonOf(form, event.submitter);
  if (button?.hasAttribute("aria-busy")) {
    event.preventDefault();
  }
  button?.setAttribute("aria-busy", "true");
});

// An answer to a choice that has been changed meanwhile would change it back; the next is on its way.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { elt, formData } = detail.requestConfig;
  if (elt.id === "options") {
    const chosen = [...elt.querySelectorAll("input:checked")];
    detail.shouldSwap &&= chosen.every((each) => formData.get(each.name) === each.value);
  }
});

// An answer replaces the cart, and with it what was changed while it was awaited: a form that is
// gone sends nothing. So that is changed once more, in the new one.
let changed = [];

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id === "cart") {
    const { elt, formData } = detail.requestConfig;
    changed = [...detail.target.querySelectorAll("input[type=number]")].filter(
      ({ form, value, defaultValue }) =>
        value && value !== (form === elt ? formData.get("quantity") : defaultValue),
    ).map(({ form, value }) => [form.elements.sku.value, value]);
  }
});
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt.id !== "cart") {
    return;
  }
  const fields = [...detail.elt.querySelectorAll("input[type=number]")];
  for (const [sku, value] of changed.splice(0)) {
    const field = fields.find(({ form }) => form?.elements.sku?.value === sku);
    if (field) {
      field.value = value;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
});

// Another country brings the other parts of its addresses. What was typed while they were awaited
// stays; and an answer for a country that is no longer chosen, or from another page, is none.
let typed = new Map();

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.matches(".address")) {
    const { elt, formData } = detail.requestConfig;
    const awaited = elt.value === formData.get(elt.name);
    detail.shouldSwap &&= awaited && detail.serverResponse.includes(`id="${detail.target.id}"`);
    typed = new Map([...detail.target.querySelectorAll("input")].map((each) => [each.name, each.value]));
  }
});
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt.matches(".address")) {
    for (const field of detail.elt.querySelectorAll("input")) {
      field.value = typed.get(field.name) ?? field.value;
    }
  }
});

// The address names what is chosen, so that it can be reloaded and sent to others.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.requestConfig.elt.id === "options" && event.detail.successful) {
    history.replaceState(null, "", event.detail.pathInfo.finalRequestPath);
  }
});

// A number that was emptied is as it was.
document.addEventListener("change", ({ target }) => {
  if (target.matches("input[type=number]") && target.value === "") {
    target.value = target.defaultValue;
  }
}, true);

// The drawing, where a picture can't be had.
function draw(image) {
  image.src = image.dataset.otherwise;
  image.alt = "";
  image.parentElement.classList.add("drawn", image.dataset.tint);
  image.closest("a.opens")?.replaceWith(image.parentElement);
  delete image.dataset.otherwise;
}
document.addEventListener("error", ({ target }) => {
  if (target instanceof HTMLImageElement && target.dataset.otherwise) {
    draw(target);
  }
}, true);
for (const image of document.querySelectorAll("img[data-otherwise]")) {
  if (image.complete && !image.naturalWidth) {
    draw(image);
  }
}

// Pictures open over the page, and the arrow keys go from one to the next.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.opens");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  event.preventDefault();
  const links = [...document.querySelectorAll("a.opens")];
  let place = links.indexOf(link);
  const viewer = document.createElement("dialog");
  viewer.className = "viewer";
  viewer.setAttribute("aria-label", "Pictures");
  const image = viewer.appendChild(new Image());
  const bar = viewer.appendChild(document.createElement("div"));
  const show = (step) => {
    place = (place + step + links.length) % links.length;
    image.src = links[place].href;
    image.alt = links[place].querySelector("img").alt;
  };
  const add = (label, action) => {
    const button = bar.appendChild(document.createElement("button"));
    button.textContent = label;
    button.addEventListener("click", action);
  };
  if (links.length > 1) {
    add("Previous", () => show(-1));
    add("Next", () => show(1));
  }
  add("Close", () => viewer.close());
  viewer.addEventListener("keydown", ({ key }) => {
    show({ ArrowLeft: -1, ArrowRight: 1 }[key] || 0);
  });
  viewer.addEventListener("close", () => {
    viewer.remove();
    link.focus();
  });
  show(0);
  document.body.append(viewer);
  viewer.showModal();
});

// Times in the shopper's own zone; the pages are sent with those of UTC.
function localise(part) {
  const language = document.documentElement.dataset.formats;
  for (const time of part.querySelectorAll("time[datetime]")) {
    const clock = "exact" in time.dataset ? { timeStyle: "short" } : {};
    const format = new Intl.DateTimeFormat(language, { dateStyle: "medium", ...clock });
    time.textContent = format.format(new Date(time.dateTime));
    time.title = time.dateTime;
  }
}
localise(document);
document.addEventListener("htmx:load", (event) => localise(event.detail.elt));

document.addEventListener("click", async ({ target }) => {
  const { reveal, copy } = target.dataset ?? {};
  if (reveal) {
    const field = document.getElementById(reveal);
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    target.firstChild.data = shown ? "Hide" : "Show";
  }
  if (copy) {
    const text = document.getElementById(copy);
    try {
      await navigator.clipboard.writeText(text.textContent);
      target.textContent = "Copied";
    } catch {
      // Not allowed, or not on a secure address: selected, it takes one more key.
      getSelection().selectAllChildren(text);
    }
  }
});
