export const UNDO = 10_000 // ms in which a decision can be taken back: design, section 5

/** What was done, in a sentence; with `undo` it offers it for 10 s. Errors stay at their control. */
export function notify(text: string, more: { detail?: string; undo?: () => void } = {}): void {
  void import("sonner").then(({ toast }) =>
    toast(text, {
      description: more.detail,
      duration: more.undo ? UNDO : 5_000,
      ...(more.undo ? { action: { label: "Undo", onClick: more.undo } } : {}),
    }),
  )
}
