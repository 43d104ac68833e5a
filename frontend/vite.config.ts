import { fileURLToPath } from "node:url"
import tailwind from "@tailwindcss/vite"
import react from "@vitejs/plugin-react"
import { defineConfig, loadEnv, type Plugin } from "vite"

/** The weight axis of the Latin letters is asked for with the page, not after the styles. */
function preloadFont(): Plugin {
  return {
    name: "preload-font",
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle }) {
        const font = Object.keys(bundle ?? {}).find((name) => name.includes("geist-latin-wght"))
        if (font === undefined) return []
        const attrs = {
          rel: "preload",
          href: `/${font}`,
          as: "font",
          type: "font/woff2",
          crossorigin: "",
        }
        return [{ tag: "link", attrs, injectTo: "head-prepend" }]
      },
    },
  }
}

// The service that `npm run dev` talks to; a build talks to the origin that serves it unless
// VITE_API_URL was set while it was built.
export default defineConfig(({ mode }) => {
  const service = loadEnv(mode, ".", "VITE_").VITE_API_URL || "http://127.0.0.1:8000"
  const proxied = { target: service, changeOrigin: false }
  return {
    plugins: [react(), tailwind(), preloadFont()],
    resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
    build: {
      target: "es2023",
      assetsInlineLimit: 0, // the page's policy allows fonts and scripts from its own origin only
      sourcemap: false,
      manifest: true,
    },
    server: {
      port: 5173,
      strictPort: true,
      proxy: { "/api": proxied, "/token": proxied, "/users": proxied, "/logout": proxied },
    },
  }
})
