// What a page asks of the studio, and what the studio tells it.

async function answered(response) {
  if (response.ok) return response;
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

// Calls `changed` whenever exclusions change; where the studio is gone it is asked again.
export function follow(changed, gone) {
  const socket = new WebSocket(`ws://${location.host}/follow`);
  socket.onopen = () => gone(false);
  socket.onmessage = () => changed();
  socket.onclose = () => { gone(true); setTimeout(() => follow(changed, gone), 3000); };
}
