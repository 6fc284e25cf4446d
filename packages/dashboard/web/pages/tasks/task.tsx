import { Empty } from "../../ui/basics.tsx";

export function TaskPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
