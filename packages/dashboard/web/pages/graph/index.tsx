import { Empty } from "../../ui/basics.tsx";

export function GraphPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
