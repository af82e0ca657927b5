-- concurrently: outside a transaction
-- Which facts an operation that changed stands for: also where it was moved away or removed since, and its row tells nothing of
-- them any more (found by the oracle's soak; decision 0006).
create index concurrently successes_by_operation on watchfloor.successes (operation_id);
