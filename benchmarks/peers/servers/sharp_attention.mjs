// sharp's attention crop behind node's own HTTP server: the largest 4:5 crop, no composition.
import http from "node:http";
import { createRequire } from "node:module";

const sharp = createRequire(`${process.env.NODE_PATH}/`)("sharp");
sharp.cache(false);
const port = Number(process.argv[process.argv.indexOf("--port") + 1]);

http
  .createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    try {
      const { info } = await sharp(Buffer.concat(parts))
        .resize(307, 384, { fit: "cover", position: sharp.strategy.attention })
        .raw()
        .toBuffer({ resolveWithObject: true });
      const answer = JSON.stringify({ left: info.cropOffsetLeft, top: info.cropOffsetTop });
      response.writeHead(200, { "Content-Type": "application/json", "Content-Length": answer.length }).end(answer);
    } catch (error) {
      const answer = String(error);
      response.writeHead(500, { "Content-Length": Buffer.byteLength(answer) }).end(answer);
    }
  })
  .listen(port, "127.0.0.1");
