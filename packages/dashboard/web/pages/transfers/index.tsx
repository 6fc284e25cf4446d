import { Empty } from "../../ui/basics.tsx";

export function TransfersPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
