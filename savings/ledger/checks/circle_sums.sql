-- The saved amount of each member is the sum of their plan's entries until the circle's end, without interest and tax.
WITH legs AS ({legs}),
counted AS (
    SELECT m.id AS member_id, SUM(l.change) AS saved
    FROM savings_membership m
    JOIN savings_circle k ON k.id = m.circle_id
    JOIN savings_account a ON a.plan_id = m.plan_id
    JOIN legs l ON l.account_id = a.id
    JOIN savings_transaction t ON t.id = l.transaction_id
    LEFT JOIN savings_transaction original ON original.id = t.reverses_id
    WHERE COALESCE(original.kind, t.kind) NOT IN {not_counted} AND {day_of_entry} < {day_of_end}
    GROUP BY m.id
)
SELECT 'member ' || m.id, m.saved_kobo, COALESCE(c.saved, 0)
FROM savings_membership m LEFT JOIN counted c ON c.member_id = m.id
WHERE m.saved_kobo <> COALESCE(c.saved, 0)
ORDER BY m.id
