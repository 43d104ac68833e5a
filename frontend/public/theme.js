// Before the first paint, so that a dark page never flashes white. The choice is set in
// src/app/theme.tsx; a file of its own because the page's policy forbids inline scripts.
;(() => {
  let choice = "system"
  try {
    choice = localStorage.getItem("timeledger.theme") || "system"
  } catch {
    // storage may be forbidden; the system's choice is right then
  }
  const dark =
    choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches)
  document.documentElement.dataset.theme = dark ? "dark" : "light"
  if (new URLSearchParams(location.search).has("as_of")) {
    document.documentElement.dataset.paper = "archive"
  }
})()
