import { Empty } from "../../ui/basics.tsx";

export function RunsPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
