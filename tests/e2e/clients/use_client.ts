// A user's script on the types that openapi-typescript makes (api.d.ts) and openapi-fetch: calls every route.
// Arguments: address, photo. Prints the operationId of each route that answered; `tsc --strict` checks the rest.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

const [address, path] = process.argv.slice(2) as [string, string];
const client = createClient<paths>({ baseUrl: address });
const photo = new Blob([readFileSync(path)], { type: "image/jpeg" });

/** The types have files as strings, as JSON schema has no other; a form sends them as they are. */
function form(name: "image" | "images", count = 1) {
  return {
    body: {} as never,
    bodySerializer: () => {
      const data = new FormData();
      for (let i = 0; i < count; i += 1) data.append(name, photo, "photo.jpg");
      return data;
    },
  };
}

type Box = components["schemas"]["PixelBox"];
const text = ({ x, y, width, height }: Box) => [x, y, width, height].join(",");

const ratios = ["free", "1:1"];
const crops = await client.POST("/crop", {
  params: { query: { top_k: 2, aspect_ratio: ratios, keep: ["0.4,0.4,0.1,0.1"], max_overlap: 0.7 } }, ...form("image"),
});
assert.deepEqual(crops.data?.crops.map((crop) => crop.aspect_ratio), ["free", "free", "1:1", "1:1"]);
console.log("crop");

const wrong = await client.POST("/crop", { params: { query: { aspect_ratio: ["wide"] } }, ...form("image") });
const code: components["schemas"]["ErrorCode"] | undefined = wrong.error?.error.code;
assert.equal(code, "bad_request");

const many = await client.POST("/crop/batch", { params: { query: { top_k: 1 } }, ...form("images", 2) });
assert.deepEqual(many.data?.results.map((entry) => entry.result?.crops.length), [1, 1]);
console.log("crop_batch");

const cut = await client.POST("/crop/image", {
  params: { query: { width: 120, height: 80, upscale: true, format: "png" } }, parseAs: "arrayBuffer", ...form("image"),
});
const picture = new DataView(cut.data as ArrayBuffer);
assert.deepEqual([picture.getUint32(16), picture.getUint32(20)], [120, 80]);
console.log("crop_image");

const packed = await client.POST("/crop/images", {
  params: { query: { aspect_ratio: ratios, widths: "100,200" } }, parseAs: "arrayBuffer", ...form("image"),
});
assert.equal(new DataView(packed.data as ArrayBuffer).getUint32(0), 0x504b0304); // PK: a ZIP archive
console.log("crop_images");

const best = crops.data!.crops[0]!;
const scored = await client.POST("/score", { params: { query: { box: [text(best.box)] } }, ...form("image") });
assert.ok(Math.abs(scored.data!.boxes[0]!.score - best.score) < 0.05);
console.log("score");

assert.equal((await client.GET("/healthz")).data?.live, true);
console.log("is_live");
assert.equal((await client.GET("/readyz")).data?.ready, true);
console.log("is_ready");
assert.ok((await client.GET("/version")).data?.model.name);
console.log("get_version");
assert.match((await client.GET("/metrics", { parseAs: "text" })).data ?? "", /vrn_requests_total/);
console.log("get_metrics");
