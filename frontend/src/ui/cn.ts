import { type ClassValue, clsx } from "clsx"
import { extendTailwindMerge } from "tailwind-merge"

const merge = extendTailwindMerge({
  extend: {
    classGroups: {
      "font-size": [{ text: ["axis", "meta", "table", "body", "dialog", "section", "figure"] }],
      rounded: [{ rounded: ["badge", "control", "panel", "dialog", "full"] }],
    },
  },
})

/** Class names joined; the later of two that contradict each other wins. */
export function cn(...values: ClassValue[]): string {
  return merge(clsx(values))
}
