// What a page asks of the studio, what the studio tells it, and how a page says what went wrong.

async function answered(response) {
  if (response.ok) return response;
  if (response.status === 410) location.reload();      // what the page is of is gone: nothing of it stays
  let words = response.statusText;
  try { words = (await response.json()).error ?? words; } catch { /* no JSON: the status says it */ }
  throw new Error(words);
}

export const get = async (address, signal) => answered(await fetch(address, {signal}));

export async function post(address, body = {}) {
  const answer = await answered(await fetch(address, {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
  }));
  return answer.json();
}

// Calls `changed` whenever exclusions change, or the recording of `session` is gone; where the studio is gone it
// is asked again.
export function follow(changed, gone, session = "") {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/follow?session=${encodeURIComponent(session)}`);
  socket.onopen = () => gone(false);
  socket.onmessage = () => changed();
  socket.onclose = () => { gone(true); setTimeout(() => follow(changed, gone, session), 3000); };
}

const problem = document.querySelector("#problem");
export const complain = error => { problem.textContent = error.message; problem.hidden = false; };
// Returns a function that does `work` and says on the page what went wrong.
export const tried = work => async (...given) => {
  try { problem.hidden = true; return await work(...given); } catch (error) {
    if (error.name !== "AbortError") complain(error);
  }
};
// The same for work that is not begun again while it is under way, as by a double click.
export const once = work => {
  let isUnderWay = false;
  return tried(async (...given) => {
    if (isUnderWay) return undefined;
    isUnderWay = true;
    try { return await work(...given); } finally { isUnderWay = false; }
  });
};

export function element(name, text, ...within) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  made.append(...within);
  return made;
}
