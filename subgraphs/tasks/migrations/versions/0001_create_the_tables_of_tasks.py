"""Create the tables of tasks, and the categories"""

import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.database.alembic import platform

revision: str = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_UTC = sa.DateTime(timezone=True)

# (slug, English, Thai), and below each its subcategories.
_CATEGORIES: list[tuple[tuple[str, str, str], list[tuple[str, str, str]]]] = [
    (
        ("cleaning", "Cleaning", "ทำความสะอาด"),
        [
            ("home-cleaning", "Home cleaning", "ทำความสะอาดบ้าน"),
            ("end-of-lease-cleaning", "End-of-lease cleaning", "ทำความสะอาดก่อนย้ายออก"),
            ("office-cleaning", "Office cleaning", "ทำความสะอาดสำนักงาน"),
            ("carpet-and-upholstery", "Carpets and upholstery", "ซักพรมและเบาะ"),
            ("window-cleaning", "Window cleaning", "เช็ดกระจก"),
            ("laundry-and-ironing", "Laundry and ironing", "ซักรีด"),
        ],
    ),
    (
        ("handyman", "Handyman", "ช่างซ่อมทั่วไป"),
        [
            ("furniture-assembly", "Furniture assembly", "ประกอบเฟอร์นิเจอร์"),
            ("hanging-and-mounting", "Hanging and mounting", "แขวนและติดตั้งบนผนัง"),
            ("door-and-window-repair", "Door and window repair", "ซ่อมประตูและหน้าต่าง"),
            ("furniture-repair", "Furniture repair", "ซ่อมเฟอร์นิเจอร์"),
            ("locks", "Locks", "กุญแจและล็อก"),
            ("odd-jobs", "Odd jobs", "งานจิปาถะ"),
        ],
    ),
    (
        ("home-improvement", "Home improvement", "ปรับปรุงบ้าน"),
        [
            ("painting", "Painting", "ทาสี"),
            ("plumbing", "Plumbing", "ประปา"),
            ("electrical-work", "Electrical work", "งานไฟฟ้า"),
            ("tiling-and-flooring", "Tiling and flooring", "ปูกระเบื้องและพื้น"),
            ("carpentry", "Carpentry", "งานไม้"),
            ("air-conditioning", "Air conditioning", "เครื่องปรับอากาศ"),
        ],
    ),
    (
        ("garden-and-outdoor", "Garden and outdoor", "สวนและกลางแจ้ง"),
        [
            ("lawn-mowing", "Lawn mowing", "ตัดหญ้า"),
            ("gardening", "Gardening", "ดูแลสวน"),
            ("tree-and-hedge-care", "Tree and hedge care", "ตัดแต่งต้นไม้และรั้วต้นไม้"),
            ("landscaping", "Landscaping", "จัดสวน"),
            ("pool-care", "Pool care", "ดูแลสระว่ายน้ำ"),
            ("pressure-washing", "Pressure washing", "ฉีดล้างแรงดันสูง"),
        ],
    ),
    (
        ("moving", "Moving", "ขนย้าย"),
        [
            ("home-moving", "Home moving", "ย้ายบ้าน"),
            ("heavy-lifting", "Heavy lifting", "ยกของหนัก"),
            ("packing-and-unpacking", "Packing and unpacking", "แพ็กและจัดของ"),
            ("furniture-transport", "Furniture transport", "ขนส่งเฟอร์นิเจอร์"),
            ("junk-removal", "Junk removal", "ขนของทิ้ง"),
            ("office-moving", "Office moving", "ย้ายสำนักงาน"),
        ],
    ),
    (
        ("delivery-and-errands", "Delivery and errands", "ส่งของและธุระ"),
        [
            ("parcel-delivery", "Parcel delivery", "ส่งพัสดุ"),
            ("grocery-shopping", "Grocery shopping", "ซื้อของชำ"),
            ("food-pickup", "Food pickup", "รับอาหาร"),
            ("queueing", "Queueing", "ต่อคิวแทน"),
            ("document-errands", "Document errands", "เดินเอกสาร"),
            ("driving", "Driving", "ขับรถ"),
        ],
    ),
    (
        ("it-and-software", "IT and software", "ไอทีและซอฟต์แวร์"),
        [
            ("web-development", "Web development", "พัฒนาเว็บไซต์"),
            ("mobile-apps", "Mobile apps", "แอปมือถือ"),
            ("computer-help", "Computer help", "ช่วยเหลือด้านคอมพิวเตอร์"),
            ("networks-and-smart-home", "Networks and smart home", "เครือข่ายและบ้านอัจฉริยะ"),
            ("data-and-spreadsheets", "Data and spreadsheets", "ข้อมูลและสเปรดชีต"),
            ("software-testing", "Software testing", "ทดสอบซอฟต์แวร์"),
        ],
    ),
    (
        ("design-and-creative", "Design and creative", "ออกแบบและสร้างสรรค์"),
        [
            ("graphic-design", "Graphic design", "ออกแบบกราฟิก"),
            ("logos-and-branding", "Logos and branding", "โลโก้และแบรนด์"),
            ("illustration", "Illustration", "ภาพประกอบ"),
            ("interior-design", "Interior design", "ออกแบบภายใน"),
            ("user-interface-design", "User interface design", "ออกแบบส่วนติดต่อผู้ใช้"),
            ("music-and-audio", "Music and audio", "ดนตรีและเสียง"),
        ],
    ),
    (
        ("photo-and-video", "Photo and video", "ภาพถ่ายและวิดีโอ"),
        [
            ("portrait-photography", "Portrait photography", "ถ่ายภาพบุคคล"),
            ("event-photography", "Event photography", "ถ่ายภาพงานอีเวนต์"),
            ("product-photography", "Product photography", "ถ่ายภาพสินค้า"),
            ("video-production", "Video production", "ผลิตวิดีโอ"),
            ("video-editing", "Video editing", "ตัดต่อวิดีโอ"),
            ("photo-editing", "Photo editing", "แต่งภาพ"),
        ],
    ),
    (
        ("writing-and-translation", "Writing and translation", "งานเขียนและแปลภาษา"),
        [
            ("copywriting", "Copywriting", "เขียนคำโฆษณา"),
            ("translation", "Translation", "แปลภาษา"),
            ("proofreading", "Proofreading", "พิสูจน์อักษร"),
            ("transcription", "Transcription", "ถอดเสียง"),
            ("resumes-and-letters", "Résumés and letters", "เรซูเม่และจดหมาย"),
            ("interpreting", "Interpreting", "ล่าม"),
        ],
    ),
    (
        ("marketing-and-business", "Marketing and business", "การตลาดและธุรกิจ"),
        [
            ("social-media", "Social media", "โซเชียลมีเดีย"),
            ("search-marketing", "Search marketing", "การตลาดบนเครื่องมือค้นหา"),
            ("accounting", "Accounting", "บัญชี"),
            ("virtual-assistance", "Virtual assistance", "ผู้ช่วยเสมือน"),
            ("market-research", "Market research", "วิจัยตลาด"),
            ("flyers-and-promotion", "Flyers and promotion", "แจกใบปลิวและโปรโมต"),
        ],
    ),
    (
        ("lessons-and-tutoring", "Lessons and tutoring", "สอนพิเศษ"),
        [
            ("school-subjects", "School subjects", "วิชาในโรงเรียน"),
            ("language-lessons", "Language lessons", "สอนภาษา"),
            ("music-lessons", "Music lessons", "สอนดนตรี"),
            ("sports-coaching", "Sports coaching", "สอนกีฬา"),
            ("computer-lessons", "Computer lessons", "สอนคอมพิวเตอร์"),
            ("cooking-lessons", "Cooking lessons", "สอนทำอาหาร"),
        ],
    ),
    (
        ("events", "Events", "งานอีเวนต์"),
        [
            ("event-staff", "Event staff", "พนักงานประจำงาน"),
            ("catering", "Catering", "จัดเลี้ยง"),
            ("decoration", "Decoration", "ตกแต่งสถานที่"),
            ("entertainment", "Entertainment", "การแสดง"),
            ("event-planning", "Event planning", "วางแผนงาน"),
            ("set-up-and-pack-down", "Set-up and pack-down", "ติดตั้งและเก็บงาน"),
        ],
    ),
    (
        ("care-and-pets", "Care and pets", "ดูแลคนและสัตว์เลี้ยง"),
        [
            ("dog-walking", "Dog walking", "พาสุนัขเดินเล่น"),
            ("pet-sitting", "Pet sitting", "รับเลี้ยงสัตว์"),
            ("pet-grooming", "Pet grooming", "อาบน้ำตัดขนสัตว์เลี้ยง"),
            ("babysitting", "Babysitting", "ดูแลเด็ก"),
            ("elderly-companionship", "Elderly companionship", "เป็นเพื่อนผู้สูงอายุ"),
            ("house-sitting", "House sitting", "เฝ้าบ้าน"),
        ],
    ),
    (
        ("vehicles", "Vehicles", "ยานพาหนะ"),
        [
            ("car-washing", "Car washing", "ล้างรถ"),
            ("car-repair", "Car repair", "ซ่อมรถยนต์"),
            ("motorcycle-repair", "Motorcycle repair", "ซ่อมมอเตอร์ไซค์"),
            ("bicycle-repair", "Bicycle repair", "ซ่อมจักรยาน"),
            ("tyres-and-batteries", "Tyres and batteries", "ยางและแบตเตอรี่"),
            ("vehicle-inspection", "Vehicle inspection", "ตรวจสภาพรถ"),
        ],
    ),
]

_NAMESPACE = uuid.UUID("2f5f9d0e-6c1b-5d57-9f0c-7a3c1f0f4d61")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def _category_id(slug: str) -> str:
    """The same TypeID on every machine, since clients and saved searches keep it."""
    number = uuid.uuid5(_NAMESPACE, slug).int
    return "category_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def upgrade() -> None:
    categories = op.create_table(
        "categories",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("parent_id", _KEY, nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("slug", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_th", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["parent_id"], ["categories.id"]),
        sa.UniqueConstraint("slug"),
    )
    rows: list[dict[str, object]] = []
    for position, ((slug, name, name_th), children) in enumerate(_CATEGORIES):
        parent_id = _category_id(slug)
        rows.append(_row(parent_id, None, position, slug, name, name_th))
        rows.extend(
            _row(_category_id(child[0]), parent_id, child_position, *child)
            for child_position, child in enumerate(children)
        )
    op.bulk_insert(categories, rows)

    op.create_table(
        "tasks",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("poster_id", _KEY, nullable=False),
        sa.Column("tasker_id", _KEY, nullable=True),
        sa.Column("bid_id", _KEY, nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("category_id", _KEY, nullable=False),
        sa.Column("budget_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("due_at", _UTC, nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", _UTC, nullable=False),
        sa.Column("updated_at", _UTC, nullable=False),
        sa.Column("published_at", _UTC, nullable=True),
        sa.Column("expires_at", _UTC, nullable=True),
        sa.Column("cancelled_reason", sa.Text(), nullable=True),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', description), 'B')",
                persisted=True,
            ),
            nullable=True,
        ),
        # What has no due time comes after all that has one; the API takes none beyond the year 2999.
        sa.Column(
            "due_sort",
            _UTC,
            sa.Computed("COALESCE(due_at, '3000-01-01 00:00:00+00'::timestamptz)", persisted=True),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"]),
        sa.CheckConstraint("budget_minor > 0", name="tasks_budget_positive"),
    )
    op.create_index("tasks_by_search", "tasks", ["search"], postgresql_using="gin")
    op.create_index("tasks_by_publication", "tasks", ["status", "published_at", "id"])
    op.create_index("tasks_by_category", "tasks", ["category_id", "status", "published_at", "id"])
    op.create_index("tasks_by_budget", "tasks", ["status", "currency", "budget_minor", "id"])
    op.create_index("tasks_by_due", "tasks", ["status", "due_sort", "id"])
    op.create_index("tasks_by_poster", "tasks", ["poster_id", "id"])
    op.create_index("tasks_by_tasker", "tasks", ["tasker_id", "id"], postgresql_where=sa.text("tasker_id IS NOT NULL"))
    platform.create_v1()


def downgrade() -> None:
    platform.drop_v1()
    op.drop_table("tasks")
    op.drop_table("categories")


def _row(id: str, parent_id: str | None, position: int, slug: str, name: str, name_th: str) -> dict[str, object]:
    return {"id": id, "parent_id": parent_id, "position": position, "slug": slug, "name": name, "name_th": name_th}
