import { type QueryClient, QueryClientProvider } from "@tanstack/react-query"
import { LazyMotion, MotionConfig } from "motion/react"
import { type ReactNode, Suspense } from "react"
import { BrowserRouter, Navigate, Route, Routes } from "react-router"
import { TooltipProvider } from "@/ui/tooltip"
import { Announcer } from "./announcer"
import { KeyboardProvider } from "./keyboard"
import { lazily } from "./lazily"
import { LiveProvider } from "./live"
import { SessionGate } from "./session"
import { Shell } from "./shell"
import { ThemeProvider } from "./theme"
import { TimeMachineProvider } from "./time-machine"

// Not a part of the first load: who is signed in sees the page before either is there.
const Login = lazily(() => import("./login").then((module) => ({ default: module.Login })))
const Toasts = lazily(() => import("./toasts"))

const motionFeatures = () => import("./motion-features").then((module) => module.default)

/** What every part may rely on, signed in or not; tests render their part inside it too. */
export function Foundation({ client, children }: { client: QueryClient; children: ReactNode }) {
  return (
    <QueryClientProvider client={client}>
      <ThemeProvider>
        <LazyMotion features={motionFeatures} strict>
          <MotionConfig reducedMotion="user">
            <TooltipProvider delayDuration={400}>
              <Announcer>
                <BrowserRouter>
                  <TimeMachineProvider>
                    <KeyboardProvider>{children}</KeyboardProvider>
                  </TimeMachineProvider>
                </BrowserRouter>
                <Suspense fallback={null}>
                  <Toasts />
                </Suspense>
              </Announcer>
            </TooltipProvider>
          </MotionConfig>
        </LazyMotion>
      </ThemeProvider>
    </QueryClientProvider>
  )
}

/** For signed-in people: the live stream and the session. */
export function SignedIn({ children }: { children: ReactNode }) {
  return (
    <SessionGate>
      <LiveProvider>{children}</LiveProvider>
    </SessionGate>
  )
}

export function App({ client }: { client: QueryClient }) {
  return (
    <Foundation client={client}>
      <Routes>
        <Route
          path="/login"
          element={
            <Suspense fallback={null}>
              <Login />
            </Suspense>
          }
        />
        <Route
          path="/"
          element={
            <SignedIn>
              <Shell />
            </SignedIn>
          }
        />
        <Route path="*" element={<Navigate to="/" replace />} />
      </Routes>
    </Foundation>
  )
}
