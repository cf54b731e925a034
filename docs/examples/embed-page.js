// What this page does when it hears how the link stands: "open", "completed", "disabled" or "expired".
document.addEventListener("slotlink:status", (event) => {
  document.querySelector("#status").textContent = event.detail.status === "completed" ? "Thank you." : "";
});
