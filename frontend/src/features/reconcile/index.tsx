import { SectionHead } from "@/app/section-frame"

export default function Reconcile() {
  return <SectionHead id="reconcile" title="Reconcile" />
}
