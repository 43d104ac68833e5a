// What cannot wait for the page's scripts: the theme, so that a dark page never flashes white (the
// choice is set in src/app/theme.tsx), and the first reads. A file of its own because the page's
// policy forbids inline scripts.
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
  // Who it is decides what is drawn: asked while the scripts are still on their way.
  if (location.pathname === "/") {
    for (const href of ["/users/me", "/api/v1/system"]) {
      const link = Object.assign(document.createElement("link"), {
        rel: "preload",
        as: "fetch",
        href,
      })
      link.crossOrigin = "use-credentials"
      document.head.append(link)
    }
  }
})()
