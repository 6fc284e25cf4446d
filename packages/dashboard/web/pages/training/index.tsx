import { Empty } from "../../ui/basics.tsx";

export function TrainingPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
