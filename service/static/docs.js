"use strict";

window.SwaggerUIBundle({
  dom_id: "#docs",
  url: "openapi.json",
  deepLinking: true,
  displayRequestDuration: true,
  // The badge would fetch its verdict from another site.
  validatorUrl: null,
});
