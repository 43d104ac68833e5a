import { SectionHead } from "@/app/section-frame"

export default function Audit() {
  return <SectionHead id="audit" title="Audit" />
}
