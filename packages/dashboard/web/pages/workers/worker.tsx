import { Empty } from "../../ui/basics.tsx";

export function WorkerPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
