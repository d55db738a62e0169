"""libvips' attention crop behind FastAPI: the largest 4:5 crop, no composition."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pyvips
from fastapi import FastAPI, Request

pool = ThreadPoolExecutor(2)
app = FastAPI()


def crop(body: bytes) -> dict[str, object]:
    small = pyvips.Image.thumbnail_buffer(body, 384).copy_memory()  # read twice below
    width = min(small.width, round(small.height * 0.8))
    height = min(small.height, round(width / 0.8))
    cut, found = small.smartcrop(width, height, interesting="attention", attention_x=True, attention_y=True)
    cut.write_to_memory()
    return {"attention": [found["attention_x"], found["attention_y"]]}


@app.post("/crop")
async def post(request: Request) -> dict[str, object]:
    return await asyncio.get_running_loop().run_in_executor(pool, crop, await request.body())
