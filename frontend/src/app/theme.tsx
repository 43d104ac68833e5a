import { createContext, type ReactNode, use, useEffect, useMemo, useState } from "react"

export type ThemeChoice = "light" | "dark" | "system"
type Theme = { choice: ThemeChoice; shown: "light" | "dark"; choose: (choice: ThemeChoice) => void }

const STORED = "timeledger.theme" // read by public/theme.js before the first paint
const ThemeContext = createContext<Theme | null>(null)
const wish = () => window.matchMedia("(prefers-color-scheme: dark)")

function stored(): ThemeChoice {
  try {
    const text = localStorage.getItem(STORED)
    return text === "light" || text === "dark" ? text : "system"
  } catch {
    return "system"
  }
}

export function ThemeProvider({ children }: { children: ReactNode }) {
  const [choice, setChoice] = useState(stored)
  const [systemDark, setSystemDark] = useState(() => wish().matches)
  useEffect(() => {
    const media = wish()
    const follow = () => setSystemDark(media.matches)
    media.addEventListener("change", follow)
    return () => media.removeEventListener("change", follow)
  }, [])
  const shown = choice === "system" ? (systemDark ? "dark" : "light") : choice
  useEffect(() => {
    document.documentElement.dataset.theme = shown
  }, [shown])
  const theme = useMemo<Theme>(
    () => ({
      choice,
      shown,
      choose: (next) => {
        setChoice(next)
        try {
          localStorage.setItem(STORED, next)
        } catch {
          // storage may be forbidden; then the choice lasts as long as the page
        }
      },
    }),
    [choice, shown],
  )
  return <ThemeContext value={theme}>{children}</ThemeContext>
}

export function useTheme(): Theme {
  const theme = use(ThemeContext)
  if (theme === null) throw new Error("useTheme needs a ThemeProvider.")
  return theme
}
