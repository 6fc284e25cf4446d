import { Empty } from "../../ui/basics.tsx";

export function SearchPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
