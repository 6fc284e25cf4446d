import { Empty } from "../../ui/basics.tsx";

export function RunPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
