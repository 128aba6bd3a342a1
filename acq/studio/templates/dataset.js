// The data set: jobs that verify and renew it, and the card as it would be written now.
import {begin} from "/assets/jobs.js";
import {follow, get, once, tried} from "/assets/server.js";

const $ = name => document.querySelector(name), later = () => location.reload();
if ($("#progress")) setTimeout(later, 1000);

for (const button of document.querySelectorAll("[data-verb]")) button.onclick = once(async () => {
  const verb = button.dataset.verb, force = "force" in button.dataset;
  await begin(verb === "verify" ? {verb} : {verb, force}, job => { if (verb !== "verify" && job.state === "done") later(); });
});

$("#preview").onclick = tried(async () => {
  $("#previewed").value = "Reading the recordings …";
  $("#preview").disabled = true;
  try {
    const {html, is_written: isWritten} = await (await get("/dataset/card")).json();
    $("#card").innerHTML = html;                // made from Markdown on the server, without HTML of its own
    $("#card").hidden = false;
    $("#previewed").value = isWritten ? "The card that is written is of today." : "As it would be written now.";
  } catch (error) { $("#previewed").value = ""; throw error; } finally { $("#preview").disabled = false; }
});
follow(later, () => {});
