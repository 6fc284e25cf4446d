import { Empty } from "../../ui/basics.tsx";

export function SystemPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
