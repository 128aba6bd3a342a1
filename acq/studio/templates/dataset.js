// The data set: jobs that verify and renew it, and the card as it would be written now.
import {begin, result} from "/assets/jobs.js";
import {element, follow, get, once, tried} from "/assets/server.js";

const $ = name => document.querySelector(name), later = () => location.reload();
if ($("#progress")) setTimeout(later, 1000);

for (const button of document.querySelectorAll("[data-verb]")) button.onclick = once(async () => {
  const verb = button.dataset.verb, force = "force" in button.dataset;
  await begin(verb === "verify" ? {verb} : {verb, force}, async job => {
    if (verb === "verify" && job.has_result) showFindings(await result(job.id));
    else if (job.state === "done") later();
  });
});

function showFindings({ok, checked, findings}) {
  const place = $("#verified");
  place.hidden = false;
  place.replaceChildren(
    element("h2", ok ? "Verified: as it was made" : "Verified: not as it was made"),
    element("p", [["session", checked.sessions], ["curated folder", checked.folders], ["run", checked.runs]]
      .map(([what, number]) => `${number} ${what}${number === 1 ? "" : "s"}`).join(", ") + `, ${(checked.bytes / 1e9).toFixed(2)} GB`),
    element("ul", undefined, ...findings.map(one => element("li", `${one.kind}: ${one.text}`))),
  );
}

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
