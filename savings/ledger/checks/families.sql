-- The parts of a settled transaction belong to its user and are in its state: a family is settled, and reversed, together.
-- A transaction that was never settled has parts only where staff gave its money in suspense to somebody, and where a
-- refund on its way has taken interest back.
SELECT 'transaction ' || p.reference, p.status || ', part of ' || f.status || ' ' || f.reference, 'one state for all'
FROM savings_transaction p JOIN savings_transaction f ON f.id = p.part_of_id
WHERE f.part_of_id IS NOT NULL
    OR f.status IN {settled} AND (p.status <> f.status OR COALESCE(p.user_id, 0) <> COALESCE(f.user_id, 0))
    OR f.status NOT IN {settled} AND p.status IN {settled} AND p.kind NOT IN ('top_up', 'stash_deposit', 'refund')
        AND NOT (f.kind = 'refund' AND p.kind = 'interest_correction')
ORDER BY p.id
