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
  if (url && event.detail.path === "/cart/lines") {
    event.preventDefault();
    identified ??= identify(url).catch(() => undefined);
    identified.then(() => event.detail.issueRequest(true));
  }
});

function say(text) {
  const message = document.createElement("p");
  message.className = "message problem";
  message.textContent = text;
  document.getElementById("messages").replaceChildren(message);
}

document.addEventListener("htmx:responseError", (event) => {
  const wait = event.detail.xhr.getResponseHeader("Retry-After");
  say(wait ? `Please try again in ${wait} seconds.` : "That did not work. Please reload the page.");
});
document.addEventListener("htmx:sendError", () => say("No connection. Please try again."));
