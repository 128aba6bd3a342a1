// What the rig tells a page. Each message is answered once it is shown: the studio sends no more
// than two ahead, so that a slow browser, or a slow tunnel, gets fewer pictures, never old ones.

export function followRig({onState, onPicture, onGone}) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/rig/follow${onPicture ? "" : "?pictures=no"}`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => onGone(false);
  socket.onmessage = async ({data}) => {
    const isPicture = typeof data !== "string";
    try {
      if (isPicture) {
        const jpeg = new Blob([new Uint8Array(data, 16)], {type: "image/jpeg"});
        onPicture(await createImageBitmap(jpeg), new DataView(data).getFloat64(0, true));
      } else onState(JSON.parse(data));
    } finally {
      if (socket.readyState === WebSocket.OPEN) socket.send(isPicture ? "p" : "s");
    }
  };
  socket.onclose = () => {
    onGone(true);
    setTimeout(() => followRig({onState, onPicture, onGone}), 2000);
  };
}

// The cue at a time after the start, as the recorder has it: [cue, seconds left, next].
export function cueAt(protocol, seconds) {
  const {cues} = protocol;
  for (let at = 0; at < cues.length; at++) {
    if (seconds < cues[at].seconds) return [cues[at], cues[at].seconds - seconds, cues[at + 1]];
    seconds -= cues[at].seconds;
  }
  return [null, 0, undefined];
}

// The time since the start goes on between two states.
export class Elapsed {
  take(state) { this.base = state.elapsed_s; this.at = performance.now(); }
  get seconds() { return this.base === undefined ? 0 : this.base + (performance.now() - this.at) / 1000; }
}
