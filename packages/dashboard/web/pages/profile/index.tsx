import { Empty } from "../../ui/basics.tsx";

export function ProfilePage() {
  return <Empty>There is nothing here yet.</Empty>;
}
