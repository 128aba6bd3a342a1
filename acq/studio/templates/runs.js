// The table of runs: loaded again where a run begins, ends, or trains an epoch more.
import {get} from "/assets/server.js";

let seen = "";
async function look() {
  try {
    const text = JSON.stringify((await (await get("/runs/list")).json()).runs);
    if (seen && text !== seen) { location.reload(); return; }
    seen = text;
  } catch { /* asked again */ }
  setTimeout(look, 2000);
}
look();
