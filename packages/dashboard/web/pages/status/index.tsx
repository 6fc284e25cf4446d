import { Empty } from "../../ui/basics.tsx";

export function StatusPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
