import "@fontsource-variable/geist"
import "@fontsource-variable/geist-mono"
import "./app/styles.css"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { createQueryClient } from "./api/query-client"
import { App } from "./app/app"

const root = document.getElementById("root")
if (root === null) throw new Error("index.html has no #root.")
createRoot(root).render(
  <StrictMode>
    <App client={createQueryClient()} />
  </StrictMode>,
)
