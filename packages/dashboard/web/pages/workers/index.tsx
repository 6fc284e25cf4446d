import { Empty } from "../../ui/basics.tsx";

export function WorkersPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
