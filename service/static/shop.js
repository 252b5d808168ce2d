// The shop works without this. With it, htmx sends the forms of the cart in place.
"use strict";

// A page from the back button's memory may be older than a logout or a change of the cart.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    location.reload();
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
