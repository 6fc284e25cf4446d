import { Empty } from "../../ui/basics.tsx";

export function TasksPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
