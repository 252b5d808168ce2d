// A shopper's journey by a client that openapi-typescript made: `node journey.ts URL SKU`.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "../made/api.d.ts";

const [baseUrl, sku] = process.argv.slice(2);
assert(baseUrl && sku);

/** `fetch` with the cookies of one browser. */
function browser(): (request: Request) => Promise<Response> {
  const cookies = new Map<string, string>();
  return async (request) => {
    request.headers.set("Cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const response = await fetch(request);
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (name !== undefined && value !== undefined) cookies.set(name, value);
    }
    return response;
  };
}

const shop = createClient<paths>({ baseUrl, fetch: browser() });

// Browse.
const products = await shop.GET("/api/v1/products", { params: { query: { limit: 1 } } });
assert(products.data);
const first: number | undefined = products.data.products[0]?.variants[0]?.price;
assert.equal(typeof first, "number");

// Errors are told apart by their code, and bring what belongs to them.
const unknown = await shop.POST("/api/v1/cart/lines", { body: { sku: "no such thing" } });
assert.equal(unknown.error?.code, "unknown_sku");
const wrong = await shop.POST("/api/v1/cart/lines", { body: { sku: "", quantity: 0 } });
assert(wrong.error?.status === 422);
assert.deepEqual(
  wrong.error.errors.map((each) => [each.field, each.code, each.limit]),
  [["sku", "too_short", 1], ["quantity", "out_of_range", 1]],
);

// Add, as a guest.
const added = await shop.POST("/api/v1/cart/lines", { body: { sku, quantity: 2 } });
assert.equal(added.data?.quantity, 2);

// Register; the cart comes along.
const username = `ts-${Date.now().toString(36)}`;
const password = "staple horse battery correct";
const registered = await shop.POST("/api/v1/account", {
  body: { username, email: `${username}@example.com`, password },
});
assert.equal(registered.data?.cart.lines[0]?.sku, sku);
const taken = await shop.POST("/api/v1/account", {
  body: { username, email: `${username}@example.org`, password },
});
assert(taken.error?.status === 409);
assert.equal(taken.error.code, "username_taken");

// Change the cart as it was seen, and no other.
const seen = registered.data.cart.etag;
const line = { params: { path: { sku }, header: { "If-Match": seen } } };
const changed = await shop.PUT("/api/v1/cart/lines/{sku}", { ...line, body: { quantity: 3 } });
assert.equal(changed.response.headers.get("ETag"), changed.data?.etag);
const stale = await shop.PUT("/api/v1/cart/lines/{sku}", { ...line, body: { quantity: 9 } });
assert(stale.error?.status === 412);
assert.equal(stale.error.cart.quantity, 3);

// Check out, and once more after an answer that got lost.
const checkout = {
  params: { header: { "Idempotency-Key": username } },
  body: { expected_total: stale.error.cart.total },
};
const ordered = await shop.POST("/api/v1/orders", checkout);
assert.equal(ordered.data?.status, "placed");
assert.equal(ordered.response.headers.get("Idempotent-Replayed"), null);
const again = await shop.POST("/api/v1/orders", checkout);
assert.equal(again.response.headers.get("Idempotent-Replayed"), "true");
assert.equal(again.data?.number, ordered.data.number);

// A token for a program, which has no cookies.
const token = await shop.POST("/api/v1/account/tokens", {
  body: { name: "a script", scopes: ["read"], expires_in_days: 1, current_password: password },
});
assert(token.data);
const program = createClient<paths>({
  baseUrl,
  headers: { Authorization: `Bearer ${token.data.token}` },
});
const orders = await program.GET("/api/v1/orders", { params: { query: { limit: 5 } } });
assert.equal(orders.data?.orders[0]?.number, ordered.data.number);
const refused = await program.DELETE("/api/v1/cart");
assert(refused.error?.status === 403);
