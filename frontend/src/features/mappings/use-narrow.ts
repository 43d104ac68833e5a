import { useMedia } from "@/ui/use-media"

/** Whether tables are cards now (design, section 4: below 768). */
export const useNarrow = () => useMedia("(max-width: 767.98px)")
