import { Empty } from "../../ui/basics.tsx";

export function EventsPage() {
  return <Empty>There is nothing here yet.</Empty>;
}
